"""Who has a library of their own, where there is a login: listed, deleted; the library of before given to one."""

from __future__ import annotations

import argparse

from lib.cli.command import Command
from lib.cli.exit_codes import DONE, FAILED
from lib.cli.library import is_meant
from lib.cli.words import add_json, json_text, say
from lib.domain.plan import MEGABYTE
from lib.domain.user import Departure
from lib.formats.counts import counted
from lib.services import Services


def list_users(services: Services, options: argparse.Namespace) -> int:
    found = []
    for user in services.users.all():
        own = services.of_user(user.id)
        known = {"id": user.id, "name": user.name, "email": user.email}
        spent, runs = float(own.budget.this_month().total_usd), sum(own.counters().states.values())
        found.append(known | {"month_usd": spent, "runs": runs, "media_bytes": own.library.kept_bytes()})
    if options.json:
        print(json_text(found))
        return DONE
    for each in found:
        facts = (
            f"${each['month_usd']:.2f} this month  {counted(each['runs'], 'run')}  {each['media_bytes'] / 1e9:.2f} GB"
        )
        print(f"{each['id'][:8]}  {facts}  {each['name']}  {each['email']}")
    if not found:
        say("Nobody has signed in here yet. The README says how to set up a login.")
    return DONE


def delete_user(services: Services, options: argparse.Namespace) -> int:
    user = services.users.find(options.who)
    say(_farewell(services.users.departure(user)))
    if not options.yes and not is_meant():
        say("Nothing was deleted.")
        return FAILED
    services.users.delete(user)
    say("Deleted.")
    return DONE


def _farewell(leaving: Departure) -> str:
    who = " ".join(filter(None, (leaving.user.name, leaving.user.email)))
    media = f"{leaving.size_bytes / MEGABYTE:.1f} MB here"
    stored = f", {leaving.stored_bytes / MEGABYTE:.1f} MB in the media store" if leaving.stored_bytes else ""
    going_on = f" {counted(leaving.going_on, 'job')} not over: cancelled first." if leaving.going_on else ""
    what = f"{counted(leaving.videos, 'video')}, {counted(leaving.runs, 'run')}, {media}{stored}"
    return f"{who}: this deletes the whole library for good, {what}.{going_on}"


def give(services: Services, options: argparse.Namespace) -> int:
    user = services.users.find(options.who)
    services.users.give(user)
    print(f"The library is {user.email or user.name}'s now.")
    return DONE


def _add_user(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("who", metavar="WHO", help="a user who has signed in, by e-mail or id")


def _delete_takes(parser: argparse.ArgumentParser) -> None:
    _add_user(parser)
    parser.add_argument("--yes", action="store_true", help="do not ask")


USERS = Command("users", "who has signed in, where there is a login, and what they take up", list_users, add_json)
GIVE = Command("give", "give the library from before there was a login to a user", give, _add_user)
DELETE_USER = Command(
    "delete-user", "delete the whole library of a user, and all that is kept of them", delete_user, _delete_takes
)
