"""Planning: which route a clip takes to a model, what is said about its size, and what it will cost."""

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from lib.domain.excerpt import Excerpt
from lib.domain.media import Clip, Source, SourceKind
from lib.domain.model import Model, Price, PriceStep
from lib.domain.plan import Part, Plan, Quality, Route, RouteChoice, SizeVerdict, size_verdict
from lib.domain.run import RunRequest, digest
from lib.pipeline.plan import MediaFacts, alternatives, make_plan
from lib.store.generations import Measured
from lib.store.records import from_json, to_json

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


def test_ten_hours_become_parts_that_fit():
    """Length is no problem: about 5 minutes a part, each under the limit, together the whole."""
    plan = make_plan(REQUEST, GEMINI, replace(FACTS, duration=36_000, size_bytes=3000 * MB))
    assert plan.can_run
    assert 100 <= len(plan.parts) <= 140
    assert all(part.size_bytes <= REQUEST.media_limit_bytes for part in plan.parts)
    assert (plan.parts[0].start, plan.parts[-1].end) == (0, 36_000)


def test_parts_are_cut_in_silence_once_somebody_has_listened():
    """With the stretches of speech known, no cut lies inside one."""
    speech = [(start, start + 50.0) for start in range(0, 3600, 60)]
    plan = make_plan(REQUEST, GEMINI, replace(FACTS, duration=3600), speech=speech)
    assert len(plan.parts) >= 9
    for part in plan.parts[1:]:
        assert part.overlap == 0
        assert not any(start < part.start < end for start, end in speech)


def test_a_clip_without_silence_is_cut_hard_with_an_overlap():
    """Where somebody speaks all the time, parts share 5 s."""
    plan = make_plan(REQUEST, GEMINI, replace(FACTS, duration=1200), speech=[(0.0, 1200.0)])
    assert all(part.overlap == 5.0 for part in plan.parts[1:])


def test_a_long_file_of_modest_bytes_is_cut_without_re_encoding():
    """200 MB of an hour with a key frame every 2 s: cut in parts, nothing is encoded."""
    facts = replace(FACTS, duration=3600, size_bytes=100 * MB, key_frame_spacing=2.0)
    plan = make_plan(REQUEST, GEMINI, facts)
    assert plan.route is Route.CUT
    assert all(part.size_bytes <= REQUEST.media_limit_bytes for part in plan.parts)


def test_a_heavy_file_is_encoded_from_its_key_frames_where_they_serve():
    """4 Mbit/s with a key frame every 2 s: key frames for speech, every frame for what is on the screen."""
    facts = replace(FACTS, duration=600, size_bytes=600 * MB, key_frame_spacing=2.0)
    assert make_plan(REQUEST, GEMINI, facts).route is Route.KEY_FRAMES
    assert make_plan(replace(REQUEST, quality=Quality.VISUAL), GEMINI, facts).route is Route.VIDEO
    assert make_plan(REQUEST, GEMINI, replace(facts, key_frame_spacing=30.0)).route is Route.VIDEO


def test_a_summary_is_asked_for_whole():
    """Half an hour in one request where it can be made to fit: a summary of pieces is no summary."""
    plan = make_plan(replace(REQUEST, task="summary"), GEMINI, replace(FACTS, duration=1800, size_bytes=300 * MB))
    assert len(plan.parts) == 1


def test_an_answer_uses_at_most_half_of_what_the_model_may_write():
    """A model that writes 2,000 tokens is asked about two minutes at a time."""
    plan = make_plan(REQUEST, replace(GEMINI, max_output_tokens=2000), replace(FACTS, duration=600))
    assert max(part.duration for part in plan.parts) <= 120


def test_parts_stay_inside_the_context():
    """A small context makes small parts; one that holds less than 20 s is refused."""
    plan = make_plan(REQUEST, replace(GEMINI, context_tokens=4000), FACTS)
    assert max(part.duration for part in plan.parts) * 91 + 400 <= 4000
    assert "context" in make_plan(REQUEST, replace(GEMINI, context_tokens=1500), FACTS).refusal


def test_the_user_may_choose_the_route():
    """Sound alone instead of pictures; a route that is not possible is refused in words."""
    plan = make_plan(replace(REQUEST, route=RouteChoice.AUDIO), GEMINI, FACTS)
    assert (plan.route, plan.can_run) == (Route.AUDIO, True)
    assert "not possible" in make_plan(replace(REQUEST, route=RouteChoice.LINK), GEMINI, FACTS).refusal
    assert make_plan(replace(REQUEST, route=RouteChoice.VIDEO), GEMINI, FACTS).route is Route.VIDEO
    routes = [plan.route for plan in alternatives(REQUEST, GEMINI, FACTS)]
    assert routes == [Route.AS_IS, Route.AUDIO, Route.VIDEO]


def test_a_long_youtube_link_goes_in_parts_unless_the_link_is_asked_for():
    """Two hours of transcript do not fit one answer: the video is downloaded and asked about in parts."""
    source = Source(SourceKind.LINK, "Talk", url="https://youtu.be/dQw4w9WgXcQ", duration=14_400.0)
    facts = replace(FACTS, is_here=False, duration=14_400.0, youtube_url="https://www.youtube.com/watch?v=dQw4w9WgXcQ")
    request = replace(REQUEST, source=source)
    assert make_plan(request, GEMINI, facts).route is Route.VIDEO
    assert make_plan(replace(request, route=RouteChoice.LINK), GEMINI, facts).route is Route.LINK


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
    plan = make_plan(REQUEST, DEAF, FACTS, Measured(10.0, None, 0.5))
    assert (plan.prompt_tokens, plan.seconds) == (1000, 30.0)


def test_an_unknown_price_is_unknown_not_zero():
    """No price in the catalogue: no dollars are named. A family that nobody measured: a guess, and called one."""
    assert make_plan(REQUEST, replace(GEMINI, price=None), FACTS).estimate_usd is None
    plan = make_plan(REQUEST, DEAF, FACTS)
    assert plan.estimate_usd > 0
    assert any("guess" in warning for warning in plan.warnings)
    assert not any("guess" in warning for warning in make_plan(REQUEST, GEMINI, FACTS).warnings)
    assert not any("guess" in warning for warning in make_plan(REQUEST, DEAF, FACTS, Measured(10.0)).warnings)


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


HOUR = replace(FACTS, duration=3120.0, size_bytes=900 * MB, key_frame_spacing=2.0)
CHOSEN = replace(REQUEST, start=60.0, end=2000.0, stretches=(Clip(60, 120), Clip(500, 600.5), Clip(1910.5, 2000)))


def test_several_stretches_are_billed_for_what_is_sent():
    """Bytes, tokens and dollars of four minutes, not of the hour they were chosen from; the reason says so."""
    plan = make_plan(CHOSEN, GEMINI, HOUR)
    assert plan.route is Route.KEY_FRAMES
    assert (
        "only the chosen stretches are sent. 3 stretches, 4 min 10 s of 52 min."
        in make_plan(CHOSEN, GEMINI, replace(HOUR, size_bytes=5 * MB)).reason
    )
    assert plan.reason.endswith("3 stretches, 4 min 10 s of 52 min.")
    assert (plan.clip, plan.stretches) == (Clip(60, 2000), CHOSEN.stretches)
    (part,) = plan.parts
    assert (part.start, part.end, part.duration) == (60, 2000, 250)
    assert part.excerpt.stretches == CHOSEN.stretches
    assert plan.prompt_tokens == round(91 * part.excerpt.length) + 400
    assert 250 < part.excerpt.length < 252.5
    alone = make_plan(replace(REQUEST, end=part.excerpt.length), GEMINI, HOUR)
    assert (plan.size_bytes, plan.estimate_usd) == (alone.size_bytes, alone.estimate_usd)


@pytest.mark.parametrize("choice", [RouteChoice.LINK, RouteChoice.AS_IS])
def test_several_stretches_never_go_as_they_are_nor_by_their_link(choice):
    """A small file and a YouTube link hold more than what was chosen: it is cut out and re-encoded."""
    facts = replace(FACTS, duration=3120.0, youtube_url="https://www.youtube.com/watch?v=dQw4w9WgXcQ")
    assert make_plan(CHOSEN, GEMINI, facts).route is Route.VIDEO
    assert not make_plan(replace(CHOSEN, route=choice), GEMINI, facts).can_run
    assert {plan.route for plan in alternatives(CHOSEN, GEMINI, replace(facts, key_frame_spacing=1.0))} == {
        Route.KEY_FRAMES,
        Route.AUDIO,
    }


def test_many_stretches_are_gathered_into_parts():
    """Whole ones up to the length of a part; one longer than that is cut in silence, as a clip is."""
    stretches = (*(Clip(100.0 * at, 100.0 * at + 60) for at in range(6)), Clip(700, 1700))
    request = replace(CHOSEN, start=0.0, stretches=stretches)
    plan = make_plan(request, GEMINI, HOUR, speech=[(0.0, 1032.0), (1034.0, 3120.0)])
    assert [len(part.excerpt.stretches) for part in plan.parts] == [4, 2, *[1] * (len(plan.parts) - 2)]
    assert (plan.parts[2].start, plan.parts[-1].end) == (700, 1700)
    assert any(part.start == 1033.0 and part.overlap == 0 for part in plan.parts)


def test_a_local_model_hears_each_stretch():
    """Nothing is sent; the time it takes is that of the stretches."""
    plan = make_plan(replace(CHOSEN, model_id=LOCAL.id), LOCAL, HOUR, Measured(None, None, 0.2))
    assert plan.route is Route.LOCAL
    assert plan.parts[0].excerpt.stretches == CHOSEN.stretches
    assert plan.seconds == 50.0
    assert plan.reason.endswith("3 stretches, 4 min 10 s of 52 min.")


def test_stretches_beyond_the_end_are_told():
    """A video that is shorter than its link said keeps what it has; one that ends before them all is refused."""
    plan = make_plan(CHOSEN, GEMINI, replace(HOUR, duration=550.0))
    assert plan.stretches == (Clip(60, 120), Clip(500, 550))
    assert "Beyond the end of the video: 1 of 3 stretches." in plan.warnings
    assert make_plan(CHOSEN, GEMINI, replace(HOUR, duration=50.0)).refusal


def test_stretches_of_a_link_are_planned_before_it_is_here():
    """Its announced length is enough, and none is needed to know how much is sent."""
    facts = replace(FACTS, is_here=False, media_type=None, size_bytes=None, duration=3120.0)
    assert make_plan(CHOSEN, GEMINI, facts).route is Route.VIDEO
    assert make_plan(CHOSEN, GEMINI, replace(facts, duration=None)).reason.endswith("3 stretches, 4 min 10 s.")


@pytest.mark.parametrize("stretches", [(Clip(50, 70),), (Clip(1990, 2001),), (Clip(90, 100), Clip(60, 80))])
def test_a_request_names_stretches_inside_its_clip_in_order(stretches):
    """Anything else is refused as soon as it is made."""
    with pytest.raises(ValueError, match="stretches"):
        replace(CHOSEN, stretches=stretches)


def test_a_request_of_another_day_is_still_read():
    """What was stored before there were stretches has none; what is stored now comes back as it was."""
    stored = json.loads(to_json(CHOSEN))
    assert from_json(RunRequest, json.dumps(stored)) == CHOSEN
    del stored["stretches"]
    assert from_json(RunRequest, json.dumps(stored)) == replace(CHOSEN, stretches=())
    plan = make_plan(CHOSEN, GEMINI, HOUR)
    assert from_json(Plan, to_json(plan)) == plan
    assert from_json(Part, '{"index": 0, "start": 1, "end": 3, "size_bytes": 9}').excerpt == Excerpt.of(1, 3)
