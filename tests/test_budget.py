"""Budgets: caps that hold, whoever reserves at once and wherever: rules, threads, processes, both databases."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine

from lib.domain.budget import CallPrice, Cap, Granted, Refused, Spent, Waits, may_be_sent
from lib.store import Store, payments
from lib.store.engine import MIGRATIONS
from lib.store.rows import now
from tests.app import ROOT

DOLLARS = st.decimals("0", "2", places=3)
PRICES = st.tuples(DOLLARS, DOLLARS).map(lambda pair: CallPrice(min(pair), max(pair)))
SPENT = st.builds(Spent, DOLLARS, DOLLARS)
CAPS = st.dictionaries(st.sampled_from(Cap), DOLLARS)
RUN, MONTH = {Cap.RUN: Decimal(1)}, {Cap.MONTH: Decimal(1)}


@pytest.fixture
def store(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'cuewise.db'}")
    yield store
    store.close()


@given(PRICES, SPENT, SPENT, CAPS)
def test_what_is_granted_never_breaks_a_cap(price, run, month, caps):
    """Whatever was spent and reserved: with a grant on top, no cap is passed, and the call is worth sending."""
    spent = {Cap.RUN: run, Cap.MONTH: month, Cap.USER: month}
    ruling = may_be_sent(price, spent, caps)
    if isinstance(ruling, Granted) and price.most_usd:
        assert price.least_usd <= ruling.usd <= price.most_usd
        assert all(spent[cap].total_usd + ruling.usd <= limit for cap, limit in caps.items())
    if isinstance(ruling, Refused):
        assert spent[ruling.cap].paid_usd + price.least_usd > caps[ruling.cap] or ruling.paid_usd >= ruling.cap_usd


@given(PRICES, SPENT, SPENT, CAPS)
def test_nobody_waits_for_nothing(price, run, month, caps):
    """Who waits is granted once all that is under way has come to nothing, so that nobody waits for ever."""
    ruling = may_be_sent(price, {Cap.RUN: run, Cap.MONTH: month, Cap.USER: month}, caps)
    if isinstance(ruling, Waits):
        settled = {Cap.RUN: Spent(run.paid_usd)} | dict.fromkeys((Cap.MONTH, Cap.USER), Spent(month.paid_usd))
        assert run.reserved_usd or month.reserved_usd
        assert isinstance(may_be_sent(price, settled, caps), Granted)


def test_a_model_without_a_price_may_go_on_until_the_cap_is_reached():
    """Nobody can reserve for it: it is let through while something is left, and not after."""
    unknown = CallPrice(Decimal(0), Decimal(0), is_known=False)
    assert isinstance(may_be_sent(unknown, {Cap.RUN: Spent(Decimal("0.99"))}, RUN), Granted)
    assert isinstance(may_be_sent(unknown, {Cap.RUN: Spent(Decimal(1))}, RUN), Refused)


ELSEWHERE = "import sys; from tests.test_budget import *; print(*spend(sys.argv[1], int(sys.argv[2]), MONTH, 40))"


def spend(url: str, seed: int, caps: dict[Cap, Decimal], calls: int) -> list[str]:
    """Reserve and settle again and again, as a worker's thread does; gives how each call ended."""
    chance, store, ends = random.Random(seed), Store(url), []
    for _ in range(calls):
        price = CallPrice(Decimal("0.01"), Decimal("0.07"))
        payment_id, ruling = store.payments.reserve(f"order {seed % 2}", price, caps, f"worker {seed}")
        if payment_id is None:
            ends.append(type(ruling).__name__)
            continue
        assert store.payments.of_month().total_usd <= max(caps.values())
        time.sleep(chance.random() / 500)
        end = chance.choice(["settled", "settled", "released", "unsure", "killed"])
        if end == "settled":
            store.payments.settle(payment_id, ruling.usd * Decimal(chance.randrange(100)) / 100)
        elif end == "released":
            store.payments.release(payment_id)
        elif end == "unsure":
            store.payments.leave_unsure(payment_id)
        ends.append(end)
    store.close()
    return ends


def test_a_cap_holds_among_threads_and_processes(database):
    """Four processes and four threads at one database, each look at what is left at any moment: never over the cap."""
    Store(database).close()
    ends = Counter()
    # Processes of their own, and not multiprocessing's: those begin with whatever page was __main__ last.
    far = [
        subprocess.Popen([sys.executable, "-c", ELSEWHERE, database, str(seed)], cwd=ROOT, stdout=subprocess.PIPE)
        for seed in range(4)
    ]
    with ThreadPoolExecutor(4) as threads:
        near = [threads.submit(spend, database, seed, MONTH, 40) for seed in range(4, 8)]
        for each in near:
            ends.update(each.result())
    for process in far:
        told, _ = process.communicate(timeout=300)
        assert process.returncode == 0
        ends.update(told.decode().split())
    store = Store(database)
    spent = store.payments.of_month()
    assert spent.total_usd <= 1
    assert ends["settled"] > 10
    assert ends["Refused"] + ends["Waits"] > 10
    for seed in range(8):
        store.payments.bury(f"worker {seed}")
    after = store.payments.of_month()
    assert (after.total_usd, after.reserved_usd) == (spent.total_usd, 0)
    store.close()


def test_two_orders_have_a_cap_each_and_a_month_together(store):
    """A run's cap does not count another's dollars; the month's counts both."""
    caps, price = RUN | {Cap.MONTH: Decimal("1.5")}, CallPrice(Decimal("0.5"), Decimal(1))
    one, granted = store.payments.reserve("one", price, caps, "w")
    assert granted == Granted(Decimal(1))
    assert isinstance(store.payments.reserve("one", price, caps, "w")[1], Waits)
    store.payments.settle(one, Decimal("0.9"))
    assert isinstance(store.payments.reserve("one", price, caps, "w")[1], Refused)
    assert store.payments.reserve("two", price, caps, "w")[1] == Granted(Decimal("0.6"))
    assert store.payments.of_month().total_usd == Decimal("1.5")


def test_a_dead_workers_reservation_counts_and_holds_up_nobody(store, monkeypatch):
    """It may have been billed, so it counts; once its lease is over, who waited for it is told instead."""
    price = CallPrice(Decimal("0.6"), Decimal("0.6"))
    lost, _ = store.payments.reserve("one", price, MONTH, "dead")
    assert isinstance(store.payments.reserve("two", price, MONTH, "w")[1], Waits)
    monkeypatch.setattr(payments, "LEASE", -1.0)
    assert isinstance(store.payments.reserve("two", price, MONTH, "w")[1], Refused)
    assert store.payments.of_month() == Spent(Decimal("0.6"), Decimal(0), Decimal("0.6"))
    # It was only asleep, and tells its cost after all.
    store.payments.settle(lost, Decimal("0.1"))
    assert store.payments.of_month() == Spent(Decimal("0.1"))
    assert isinstance(store.payments.reserve("two", price, MONTH, "w")[1], Granted)


def test_sums_are_exact(store):
    """A thousand calls of a ten-millionth of a dollar and a third of a cent are just that."""
    one = Decimal("0.0000001") + Decimal("0.003333333333")
    for _ in range(20):
        payment_id, _ = store.payments.reserve("one", CallPrice(one, one), {}, "w")
        store.payments.settle(payment_id, one)
    assert store.payments.of_month().total_usd == 20 * one


def test_what_was_spent_before_payments_were_kept_is_taken_over(tmp_path):
    """After the update, this month's cap knows the dollars of earlier runs, of unfinished and of deleted ones."""
    path = tmp_path / "old.db"
    engine = create_engine(f"sqlite:///{path}")
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    revisions = ScriptDirectory.from_config(config).walk_revisions()
    before = next(each.down_revision for each in revisions if each.doc.startswith("Every paid call"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, before)
    engine.dispose()
    month = now()[:7]
    with sqlite3.connect(path) as old:
        columns = (
            "id, attempt, created, state, stage, note, model_id, task, title, video_id, request, from_cache, cost_usd"
        )
        for run_id, cost in (("a" * 32, "0.25"), ("b" * 32, None)):
            values = (run_id, 1, now(), "done", "", "", "m", "t", "", "", "{}", 0, cost)
            old.execute(f"INSERT INTO run ({columns}) VALUES ({','.join('?' * 13)})", values)
        old.execute(
            "INSERT INTO part (run_id, number, start, end, state, cost_usd, is_remembered, partial_text) "
            "VALUES (?, 0, 0, 1, 'ok', '0.5', 0, '')",
            ("b" * 32,),
        )
        old.execute("INSERT INTO spent VALUES (?, 'm', '0.0000001')", (month,))
    old.close()
    store = Store(f"sqlite:///{path}")
    assert store.payments.of_month() == Spent(Decimal("0.7500001"))
    used = CallPrice(Decimal("0.01"), Decimal("0.01"))
    ruling = store.payments.reserve("a" * 32, used, {Cap.RUN: Decimal("0.25")}, "w")[1]
    assert ruling == Refused(Cap.RUN, Decimal("0.25"), Decimal("0.25"), Decimal("0.01"))
    store.close()


def test_the_last_dollar_goes_to_one_of_many(database):
    """Twenty threads at once want all that is left: one gets it."""
    store, start = Store(database), threading.Barrier(20)

    def reserve(_: int) -> bool:
        start.wait()
        return store.payments.reserve("one", CallPrice(Decimal(1), Decimal(1)), MONTH, "w")[0] is not None

    with ThreadPoolExecutor(20) as threads:
        assert sum(threads.map(reserve, range(20))) == 1
    store.close()
