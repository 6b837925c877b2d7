"""The catalogue of models: read from whatever comes, kept, and asked for replacements."""

from __future__ import annotations

import json
import threading
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.domain.model import Model, Price, PriceStep
from lib.errors import ServiceUnreachable
from lib.openrouter import PREFERRED, CatalogueKeeper, nearest, read_models, unknown_model
from tests.fakes.openrouter_catalogue import catalogue

TODAY = date(2026, 11, 22)

ROW = {
    "id": "vendor/model-1",
    "name": "Model",
    "architecture": {"input_modalities": ["text", "video"], "output_modalities": ["text"]},
    "pricing": {"prompt": "0.000001", "completion": "0.000002"},
}


def read_one(**changes) -> Model:
    (model,) = read_models({"data": [{**ROW, **changes}]}, today=TODAY)
    return model


def read_none(**changes) -> bool:
    return read_models({"data": [{**ROW, **changes}]}, today=TODAY) == ()


def test_the_models_that_take_video_or_sound_are_kept_preferred_ones_first():
    """Text-only rows, batch variants and rows without a shape are left out; the rest stands by name."""
    assert [model.id for model in read_models(catalogue(), today=TODAY)] == [
        "google/gemini-3.8-flash",
        "google/gemini-3.5-flash-lite",
        "qwen/qwen3.8-omni-flash",
        "meta/muse-spark-1.3",
        "z-ai/glm-5.3-flash",
        "google/gemma-4-31b-it:free",
        "google/gemini-2.5-flash",
        "google/gemini-3.6-pro",
        "mistralai/voxtral-small",
    ]


def test_a_row_is_read_whole():
    """Every field that the app shows, from the shapes of the real service."""
    model = next(model for model in read_models(catalogue(), today=TODAY) if model.id == "google/gemini-3.8-flash")
    assert model == Model(
        id="google/gemini-3.8-flash",
        name="Google: Gemini 3.8 Flash",
        modalities=frozenset({"text", "image", "file", "audio", "video"}),
        context_tokens=1_048_576,
        max_output_tokens=65_536,
        price=Price(
            Decimal("0.0000005"),
            Decimal("0.000003"),
            Decimal(0),
            (PriceStep(200_000, Decimal("0.000001"), Decimal("0.000006")),),
        ),
        expires=None,
        created=date(2026, 9, 21),
        description="Google: Gemini 3.8 Flash takes text, image, file, audio, video.",
        parameters=frozenset({"max_tokens", "temperature", "reasoning"}),
        reasoning_mandatory=False,
        reasoning_efforts=("high", "medium", "low", "minimal"),
    )


def test_what_models_see_and_hear_comes_from_their_row():
    """A model with video but without audio is deaf; one with audio alone only listens."""
    found = {model.id: (model.sees, model.hears) for model in read_models(catalogue(), today=TODAY)}
    assert found["z-ai/glm-5.3-flash"] == (True, False)
    assert found["mistralai/voxtral-small"] == (False, True)
    assert found["qwen/qwen3.8-omni-flash"] == (True, True)


@pytest.mark.parametrize(
    "pricing",
    [
        None,
        {},
        {"prompt": "0.1"},
        {"prompt": "-1", "completion": "0.1"},
        {"prompt": "0.1", "completion": "-1"},
        {"prompt": "free", "completion": "0"},
        {"prompt": "NaN", "completion": "0"},
        {"prompt": True, "completion": "0"},
        {"prompt": "0.1", "completion": "0.1", "request": "-1"},
        [],
    ],
)
def test_a_price_that_is_not_known_is_none_and_never_zero(pricing):
    """Negative, missing and unreadable prices mean unknown."""
    assert read_one(pricing=pricing).price is None


def test_dearer_steps_are_read_and_broken_ones_left_out():
    """Long videos pay the price of their step; a step takes what it does not name from the base."""
    overrides = [
        {"min_prompt_tokens": 500, "prompt": "3", "completion": "4"},
        {"min_prompt_tokens": 200, "prompt": "2"},
        {"min_prompt_tokens": None, "prompt": "9"},
        {"min_prompt_tokens": 300, "prompt": "-1"},
        "no step",
    ]
    price = read_one(pricing={"prompt": "1", "completion": "1", "overrides": overrides}).price
    assert price.steps == (PriceStep(200, Decimal(2), Decimal(1)), PriceStep(500, Decimal(3), Decimal(4)))
    assert price.cost(250, 1) == Decimal(501)


@pytest.mark.parametrize(
    ("written", "expires"),
    [
        ("2026-12-01", date(2026, 12, 1)),
        ("2026-12-01T00:00:00Z", date(2026, 12, 1)),
        (1_796_083_200, date(2026, 12, 1)),
        ("soon", None),
        ("2026-99-99", None),
        (None, None),
        (1e300, None),
        (True, None),
    ],
)
def test_a_retirement_date_is_read_in_each_of_its_forms(written, expires):
    """A day, a time, seconds since 1970; nonsense is no date."""
    assert read_one(expiration_date=written).expires == expires


def test_retired_models_are_gone_and_those_of_today_still_there():
    """The last day counts as living."""
    assert read_none(expiration_date="2026-11-21")
    assert read_one(expiration_date="2026-11-22").expires == TODAY


def test_rows_that_are_of_no_use_are_left_out():
    """Batch variants, models that answer in pictures, ids that pass for local models, doubles, rows without an id."""
    assert read_none(id="vendor/model-1:batch")
    assert read_none(architecture={"input_modalities": ["video"], "output_modalities": ["image"]})
    assert read_none(id="local/whisper-base")
    assert read_none(id=None)
    assert read_none(id="  ")
    assert read_none(architecture=None)
    assert len(read_models({"data": [ROW, ROW]}, today=TODAY)) == 1


def test_a_row_of_nulls_is_a_model_of_unknowns():
    """Only the id and what it takes are needed."""
    model = read_one(
        **dict.fromkeys(("name", "created", "description", "context_length", "pricing", "top_provider"), None),
        supported_parameters=None,
        reasoning=None,
    )
    assert model.name == "vendor/model-1"
    assert (model.context_tokens, model.max_output_tokens, model.price, model.created) == (None, None, None, None)
    assert (model.description, model.parameters, model.reasoning_efforts) == ("", frozenset(), ())


def test_bare_ids_of_other_servers_are_kept():
    """A list in OpenAI's own shape says nothing of modalities, so nothing is ruled out."""
    (model,) = read_models({"object": "list", "data": [{"id": "my-model", "object": "model", "owned_by": "me"}]})
    assert (model.id, model.sees, model.hears) == ("my-model", True, True)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
rows = st.fixed_dictionaries(
    {"id": st.text(max_size=12) | anything},
    optional={
        "name": anything,
        "created": anything,
        "description": anything,
        "context_length": anything,
        "architecture": anything
        | st.fixed_dictionaries({"input_modalities": st.just(["video"]), "output_modalities": anything}),
        "pricing": anything
        | st.fixed_dictionaries(
            {"prompt": st.just("1") | anything, "completion": st.just("1") | anything},
            optional={
                "overrides": st.lists(st.dictionaries(st.sampled_from(["min_prompt_tokens", "prompt"]), anything))
            },
        ),
        "top_provider": anything | st.fixed_dictionaries({"max_completion_tokens": anything}),
        "supported_parameters": anything,
        "expiration_date": anything | st.text("0123456789-T:", max_size=12),
        "reasoning": anything | st.fixed_dictionaries({"mandatory": anything, "supported_efforts": anything}),
        "object": st.just("model") | anything,
    },
)


@settings(max_examples=200, deadline=None)
@given(anything | st.fixed_dictionaries({"data": st.lists(rows | anything, max_size=5) | anything}))
def test_any_json_is_read_without_an_error(payload):
    """Whatever a server sends, models come out, or none."""
    models = read_models(payload)
    assert all(model.id and (model.sees or model.hears) for model in models)
    assert all(model.price is None or model.price.prompt >= 0 for model in models)
    nearest("google/gemini-pro-1.5", models)


@pytest.mark.parametrize(
    ("gone", "first"),
    [
        ("google/gemini-2.0-flash-exp:free", "google/gemma-4-31b-it:free"),
        ("google/gemini-pro-1.5", "google/gemini-3.6-pro"),
        ("google/gemini-flash-1.5", "google/gemini-3.8-flash"),
        ("google/gemini-2.5-flash-lite", "google/gemini-3.5-flash-lite"),
        ("google/gemini-3.8-flsh", "google/gemini-3.8-flash"),
        ("qwen/qwen2.5-vl-72b-instruct", "qwen/qwen3.8-omni-flash"),
        ("gogle/gemini-3.8-flash", "google/gemini-3.8-flash"),
        ("GOOGLE/Gemini-Flash-1.5", "google/gemini-3.8-flash"),
    ],
)
def test_a_gone_model_is_replaced_by_its_nearest_living_one(gone, first):
    """Free by free, pro by higher quality, flash by fast, a slip by what was meant; always of that vendor."""
    offered = nearest(gone, read_models(catalogue(), today=TODAY))
    assert offered[0] == first
    assert len(offered) <= 3
    assert len({model_id.split("/")[0] for model_id in offered}) == 1


def test_a_pro_model_without_a_pro_successor_is_replaced_by_the_best_that_lives():
    """No pro lives: then the full-size flash before the lite one."""
    living = [model for model in read_models(catalogue(), today=TODAY) if "pro" not in model.id]
    assert nearest("google/gemini-pro-1.5", living)[0] == "google/gemini-3.8-flash"


def test_a_stranger_is_replaced_by_nothing():
    """An id of nobody's, or an empty catalogue, gives no offer."""
    assert nearest("acme/unheard-of-9000", read_models(catalogue(), today=TODAY)) == ()
    assert nearest("google/gemini-pro-1.5", ()) == ()
    assert nearest("", read_models(catalogue(), today=TODAY)) == ()


def test_the_error_for_a_gone_model_names_the_living():
    """The sentence says that it is gone, the hint what to take."""
    error = unknown_model("google/gemini-flash-1.5", read_models(catalogue(), today=TODAY))
    assert str(error) == "google/gemini-flash-1.5 is no longer offered."
    assert error.nearest[0] == "google/gemini-3.8-flash"
    assert error.hint.startswith("Nearest, faster: google/gemini-3.8-flash")
    assert unknown_model("acme/x", ()).hint


def test_preferences_are_an_order_and_nothing_more():
    """A preferred model that is not in the catalogue is not offered."""
    assert len(set(PREFERRED)) == len(PREFERRED)
    assert [model.id for model in read_models({"data": [ROW]}, today=TODAY)] == ["vendor/model-1"]


class Source:
    """Where a catalogue is fetched from in these tests: it counts, and fails when told to."""

    def __init__(self) -> None:
        self.fetches = 0
        self.failure: Exception | None = None
        self.payload: object = {"data": [ROW]}

    def __call__(self):
        self.fetches += 1
        if self.failure:
            raise self.failure
        return self.payload


@pytest.fixture
def source():
    return Source()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "cache" / "models.json"


def age(path, **ago) -> None:
    kept = json.loads(path.read_text())
    kept["fetched"] = (datetime.now(UTC) - timedelta(**ago)).isoformat()
    path.write_text(json.dumps(kept))


def test_a_fresh_catalogue_is_not_fetched_again(path, source):
    """One fetch an hour; another process finds the copy."""
    keeper = CatalogueKeeper(path, source)
    first = keeper.get()
    assert keeper.get() is first
    assert CatalogueKeeper(path, source).get().models == first.models
    assert source.fetches == 1
    assert (first.problem, first.find("vendor/model-1").name) == (None, "Model")
    assert first.find("gone/model") is None
    assert json.loads(path.read_text())["payload"] == source.payload
    assert [file.name for file in path.parent.iterdir()] == ["models.json"]


def test_an_old_copy_is_fetched_anew_and_so_is_one_on_demand(path, source):
    """After an hour, and when the user asks."""
    CatalogueKeeper(path, source).get()
    age(path, hours=2)
    source.payload = {"data": [{**ROW, "id": "vendor/model-2"}]}
    keeper = CatalogueKeeper(path, source)
    assert keeper.get().models[0].id == "vendor/model-2"
    source.payload = {"data": [{**ROW, "id": "vendor/model-3"}]}
    assert keeper.get(refresh=True).models[0].id == "vendor/model-3"
    assert source.fetches == 3


@pytest.mark.parametrize("failure", [ServiceUnreachable("OpenRouter cannot be reached."), RuntimeError("a bug")])
def test_a_failed_fetch_serves_the_old_copy_and_says_so(path, source, failure):
    """The models of yesterday are better than none; the sentence says from when they are."""
    CatalogueKeeper(path, source).get()
    age(path, days=1)
    source.failure = failure
    keeper = CatalogueKeeper(path, source)
    stale = keeper.get()
    assert [model.id for model in stale.models] == ["vendor/model-1"]
    assert "This is the list of 20" in stale.problem
    assert "bug" not in stale.problem
    assert keeper.get() == stale
    assert source.fetches == 2, "after a failure nobody waits for the next one at once"
    source.failure = None
    assert keeper.get(refresh=True).problem is None


def test_no_network_and_no_copy_is_an_empty_catalogue_with_a_problem(path, source):
    """The page still opens, and local models still work."""
    source.failure = ServiceUnreachable("OpenRouter cannot be reached.")
    empty = CatalogueKeeper(path, source).get()
    assert (empty.models, empty.fetched) == ((), None)
    assert empty.problem.startswith("OpenRouter cannot be reached. ")
    assert "local models" in empty.problem


@pytest.mark.parametrize("payload", [{}, [], None, "page", {"data": []}, {"data": [{"id": "text/only"}]}])
def test_an_answer_without_models_does_not_replace_the_copy(path, source, payload):
    """A server that answers nonsense for a day costs nothing."""
    CatalogueKeeper(path, source).get()
    age(path, hours=2)
    source.payload = payload
    stale = CatalogueKeeper(path, source).get()
    assert [model.id for model in stale.models] == ["vendor/model-1"]
    assert stale.problem
    assert json.loads(path.read_text())["payload"] == {"data": [ROW]}


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"fetched": 5, "payload": {}}', '{"fetched": "x"}', "\udcff"])
def test_a_broken_copy_is_as_good_as_none(path, source, text):
    """Half a file, or another's, is fetched over."""
    path.parent.mkdir()
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert CatalogueKeeper(path, source).get().problem is None
    assert source.fetches == 1


def test_a_copy_from_the_future_is_not_believed(path, source):
    """A clock that was wrong does not freeze the catalogue."""
    CatalogueKeeper(path, source).get()
    age(path, days=-400)
    CatalogueKeeper(path, source).get()
    assert source.fetches == 2


def test_a_folder_that_cannot_be_written_does_not_matter(tmp_path, source):
    """The catalogue is there, it is only not remembered."""
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    keeper = CatalogueKeeper(blocked / "models.json", source)
    assert keeper.get().problem is None
    assert keeper.get().models
    assert source.fetches == 1


def test_many_threads_fetch_once(path, source):
    """Ten pages that open at once ask the server one time."""
    keeper = CatalogueKeeper(path, source)
    threads = [threading.Thread(target=keeper.get) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert source.fetches == 1
