"""Planning: which route a clip takes to a model, what is said about its size, and what it will cost."""

from dataclasses import replace
from decimal import Decimal

import pytest

from lib.domain.media import Source, SourceKind
from lib.domain.model import Model, Price, PriceStep
from lib.domain.plan import Route, SizeVerdict, size_verdict
from lib.domain.run import RunRequest, digest
from lib.pipeline.plan import MediaFacts, make_plan
from lib.store.generations import Measured

MB = 1_000_000
GEMINI = Model(
    "google/gemini-3.8-flash",
    "Gemini",
    frozenset({"text", "image", "video", "audio"}),
    context_tokens=1_048_576,
    max_output_tokens=65_536,
    price=Price(Decimal("0.0000005"), Decimal("0.000003")),
)
DEAF = replace(GEMINI, id="z-ai/glm-5.3-flash", modalities=frozenset({"text", "video"}))
HEARING = replace(GEMINI, id="mistralai/voxtral-small", modalities=frozenset({"text", "audio"}))
LOCAL = Model("local/whisper-base", "Whisper base", frozenset({"audio"}), price=Price(Decimal(0), Decimal(0)))
FACTS = MediaFacts(duration=60.0, size_bytes=5 * MB, media_type="video/mp4")
REQUEST = RunRequest(Source(SourceKind.UPLOAD, "talk.mp4", asset_id="a" * 64), GEMINI.id)


def test_a_file_that_fits_goes_as_it_is():
    """An mp4 under the limit is sent unchanged, in one part, with its exact size."""
    plan = make_plan(REQUEST, GEMINI, FACTS)
    assert (plan.route, plan.verdict, plan.size_bytes, len(plan.parts)) == (Route.AS_IS, SizeVerdict.FITS, 5 * MB, 1)
    assert plan.can_run


@pytest.mark.parametrize("media_type", ["video/webm", "video/quicktime", "video/mpeg"])
def test_the_containers_that_models_take_go_as_they_are(media_type):
    """webm, mov and mpeg need no conversion."""
    assert make_plan(REQUEST, GEMINI, replace(FACTS, media_type=media_type)).route is Route.AS_IS


@pytest.mark.parametrize("media_type", ["video/x-matroska", "video/x-msvideo", "video/x-flv", "video/mp2t"])
def test_other_containers_are_converted(media_type):
    """avi, mkv, flv and ts are re-encoded though they would fit, and the reason says why."""
    plan = make_plan(REQUEST, GEMINI, replace(FACTS, media_type=media_type))
    assert plan.route is Route.VIDEO
    assert "this kind of file" in plan.reason


def test_a_file_over_the_limit_is_re_encoded_under_it():
    """38 MB are not sent: the plan says so and promises less than the limit."""
    plan = make_plan(REQUEST, GEMINI, replace(FACTS, size_bytes=38 * MB))
    assert plan.route is Route.VIDEO
    assert plan.size_bytes <= REQUEST.media_limit_bytes
    assert "38.0 MB is more than the 14.0 MB" in plan.reason


def test_the_limit_is_a_setting():
    """With a limit of 60 MB, 50 MB go as they are, with a warning that they may be refused."""
    plan = make_plan(replace(REQUEST, media_limit_bytes=60 * MB), GEMINI, replace(FACTS, size_bytes=30 * MB))
    assert plan.route is Route.AS_IS
    assert plan.verdict is SizeVerdict.LARGE
    assert any("may be refused" in warning for warning in plan.warnings)


def test_size_verdicts_change_at_20_and_50_megabytes_of_body():
    """14 MB of media fit, 20 MB are large, 50 MB are too large: base64 adds a third."""
    assert size_verdict(14 * MB) is SizeVerdict.FITS
    assert size_verdict(15 * MB) is SizeVerdict.LARGE
    assert size_verdict(37 * MB) is SizeVerdict.LARGE
    assert size_verdict(38 * MB) is SizeVerdict.TOO_LARGE


def test_a_clip_that_no_encoding_fits_is_refused_with_the_reason():
    """Ten hours in one request is refused in words, and nothing would be sent."""
    plan = make_plan(
        REQUEST, replace(GEMINI, context_tokens=None), replace(FACTS, duration=36_000, size_bytes=900 * MB)
    )
    assert plan.refusal is not None
    assert "too long" in plan.refusal
    assert plan.parts == ()


def test_a_clip_longer_than_the_context_is_refused():
    """Tokens beyond the model's context are told before anything is sent."""
    plan = make_plan(REQUEST, replace(GEMINI, context_tokens=4000), FACTS)
    assert "context" in plan.refusal


def test_a_model_that_only_hears_gets_the_sound_alone():
    """A hearing model is sent mp3, never pictures; without sound it is refused."""
    assert make_plan(REQUEST, HEARING, FACTS).route is Route.AUDIO
    assert "no sound" in make_plan(REQUEST, HEARING, replace(FACTS, has_sound=False)).refusal


def test_a_deaf_model_is_never_offered_a_transcript_in_silence():
    """A model that sees pictures only says so for a transcript, and is refused a file without pictures."""
    assert any("cannot hear" in warning for warning in make_plan(REQUEST, DEAF, FACTS).warnings)
    assert "no picture" in make_plan(REQUEST, DEAF, replace(FACTS, has_picture=False)).refusal


def test_a_file_without_picture_goes_as_sound_to_a_model_that_does_both():
    """An mp3 reaches Gemini as input_audio."""
    assert make_plan(REQUEST, GEMINI, replace(FACTS, has_picture=False, media_type="audio/mpeg")).route is Route.AUDIO


def test_a_local_model_sends_nothing_and_costs_nothing():
    """The local route has no bytes, no tokens, price zero, and only writes transcripts."""
    plan = make_plan(replace(REQUEST, model_id=LOCAL.id), LOCAL, FACTS)
    assert (plan.route, plan.size_bytes, plan.estimate_usd, plan.prompt_tokens) == (Route.LOCAL, 0, Decimal(0), None)
    assert "transcripts" in make_plan(replace(REQUEST, task="summary"), LOCAL, FACTS).refusal


def test_a_youtube_link_goes_straight_to_gemini_when_whole():
    """No download for Gemini; a clip of it, or another model, needs the bytes."""
    source = Source(SourceKind.LINK, "Talk", url="https://youtu.be/dQw4w9WgXcQ?t=3", duration=60.0)
    facts = replace(FACTS, is_here=False, media_type=None, youtube_url="https://www.youtube.com/watch?v=dQw4w9WgXcQ")
    request = replace(REQUEST, source=source)
    assert make_plan(request, GEMINI, facts).route is Route.LINK
    assert make_plan(replace(request, end=30.0), GEMINI, facts).route is Route.VIDEO
    assert make_plan(request, DEAF, facts).route is Route.AS_IS
    unknown = make_plan(request, GEMINI, replace(facts, duration=None))
    assert (unknown.route, len(unknown.parts)) == (Route.LINK, 1)


def test_tokens_and_dollars_follow_the_published_figures():
    """60 s of video at 91 tokens a second, a transcript at 30,000 tokens an hour, the model's own price."""
    plan = make_plan(REQUEST, GEMINI, FACTS)
    assert plan.prompt_tokens == 60 * 91 + 400
    assert plan.completion_tokens == 550
    assert plan.estimate_usd == Decimal("0.0000005") * 5860 + Decimal("0.000003") * 550


def test_what_a_model_really_used_replaces_the_guess():
    """Tokens and seconds are learnt from a model's own past calls."""
    plan = make_plan(REQUEST, DEAF, FACTS, Measured(10.0, 0.5))
    assert (plan.prompt_tokens, plan.seconds) == (1000, 30.0)


def test_an_unknown_price_is_unknown_not_zero():
    """No price, or no idea of the tokens: no dollars are named."""
    assert make_plan(REQUEST, replace(GEMINI, price=None), FACTS).estimate_usd is None
    assert make_plan(REQUEST, DEAF, FACTS).estimate_usd is None


def test_a_long_prompt_pays_the_dearer_step():
    """Past its step, the whole call is billed at the step's price."""
    price = Price(Decimal("1"), Decimal("2"), steps=(PriceStep(200, Decimal("10"), Decimal("20")),))
    assert price.cost(100, 1) == 102
    assert price.cost(200, 1) == 2020


@pytest.mark.parametrize(("start", "end"), [(70.0, None), (10.0, 5.0), (60.0, 61.0)])
def test_a_clip_outside_the_video_is_refused(start, end):
    """A clip that begins after the end, or ends before it begins, cannot be run."""
    assert make_plan(replace(REQUEST, start=start, end=end), GEMINI, FACTS).refusal


def test_a_clip_that_ends_past_the_video_ends_with_it():
    """An end beyond the file is the file's end."""
    assert make_plan(replace(REQUEST, end=1e6), GEMINI, FACTS).clip.end == 60.0


def test_the_digest_of_a_question_changes_with_every_part_of_it():
    """Model, prompt, clip and order of naming: all but the last change the digest."""
    question = {"model": "a", "prompt": "p", "start": 0.0, "end": 1.0}
    assert digest(**question) == digest(**dict(reversed(question.items())))
    assert len({digest(**question | {name: "other"}) for name in question} | {digest(**question)}) == 5
