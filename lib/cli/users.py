"""Who has a library of their own, where there is a login; and the library of before given to one of them."""

from __future__ import annotations

import argparse

from lib.cli.command import Command
from lib.cli.exit_codes import DONE
from lib.cli.words import add_json, json_text, say
from lib.pipeline.library_gift import give_library
from lib.services import Services


def list_users(services: Services, options: argparse.Namespace) -> int:
    found = []
    for user in services.users.all():
        own = services.of_user(user.id)
        spent, used = own.budget.this_month().total_usd, own.library.space().media
        found.append({"id": user.id, "name": user.name, "email": user.email, "month_usd": spent, "media_bytes": used})
    if options.json:
        print(json_text(found))
        return DONE
    for each in found:
        facts = f"${each['month_usd']:.2f} this month  {each['media_bytes'] / 1e9:.2f} GB"
        print(f"{each['id'][:8]}  {facts}  {each['name']}  {each['email']}")
    if not found:
        say("Nobody has signed in here yet. The README says how to set up a login.")
    return DONE


def give(services: Services, options: argparse.Namespace) -> int:
    user = services.users.find(options.to)
    services.close()
    folder = give_library(services.settings, user)
    print(f"The library is {user.email or user.name}'s now: {folder}")
    return DONE


def _give_takes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("to", metavar="WHO", help="a user who has signed in, by e-mail or id")


USERS = Command("users", "who has signed in, where there is a login, and what they take up", list_users, add_json)
GIVE = Command("give", "give the library from before there was a login to a user", give, _give_takes)
