"""What can be said of a comparison, and what cannot."""

from __future__ import annotations

from decimal import Decimal

from lib.domain.verdict import Figures, FindingKind, verdict

FREE = Decimal(0)


def figures(name: str, **known: object) -> Figures:
    """A model's figures; those not given are ordinary and the same for all."""
    ordinary = {"cost_usd": Decimal("0.02"), "seconds": 30.0, "words": 9000, "coverage": 0.98, "agreement": 0.93}
    return Figures(name, **ordinary | known)


def found(kind: FindingKind, *models: Figures):
    return next((finding for finding in verdict(models) if finding.kind is kind), None)


def test_a_clear_case_is_said_in_four_sentences():
    """Fastest, cheapest, most complete and closest to the others, each by name and with its figure."""
    findings = verdict(
        [
            figures("Gemini", seconds=12.4, cost_usd=Decimal("0.1234"), agreement=0.95),
            figures("Qwen", seconds=44, cost_usd=Decimal("0.0150"), agreement=0.88),
            figures("Whisper", seconds=95, cost_usd=Decimal("1.2"), coverage=0.999, agreement=0.81),
        ]
    )
    assert [finding.words for finding in findings] == [
        "Gemini was the fastest, with 12 s.",
        "Qwen was the cheapest, at $0.015.",
        "Whisper was the most complete, with 100% of the speech.",
        "Gemini was closest to the others, agreeing on 95% of the words.",
    ]
    assert [finding.names for finding in findings] == [("Gemini",), ("Qwen",), ("Whisper",), ("Gemini",)]


def test_with_a_reference_errors_decide():
    """Word error rates are better than agreement where they are known."""
    models = [figures("a", wer=0.05, agreement=0.8), figures("b", wer=0.11, agreement=0.9), figures("c", wer=0.3)]
    assert found(FindingKind.FEWEST_ERRORS, *models).words == "a made the fewest errors, 5.0% of the words."
    assert found(FindingKind.CLOSEST, *models) is None


def test_fewer_than_two_have_no_verdict():
    """One model is no comparison, nor is one beside a failed one, whose figures count for nothing."""
    assert verdict([]) == ()
    assert verdict([figures("a")]) == ()
    assert verdict([figures("a"), figures("b", is_done=False)]) == ()
    failed = figures("quick", seconds=0.5, cost_usd=FREE, is_done=False)
    assert found(FindingKind.FASTEST, figures("a", seconds=9), figures("b", seconds=90), failed).names == ("a",)


def test_times_within_a_tenth_are_equal():
    """Who is a few seconds ahead by chance shares the place, and where all are, nobody is the fastest."""
    assert found(FindingKind.FASTEST, figures("a", seconds=30), figures("b", seconds=32), figures("c")).names == ()
    shared = found(FindingKind.FASTEST, figures("a", seconds=32), figures("b"), figures("c", seconds=60))
    assert shared.names == ("a", "b")
    assert shared.words == "a and b were the fastest, with 30 s."


def test_a_model_that_answers_within_a_second_did_not_take_none():
    """Below ten seconds the tenths are told."""
    fastest, *_ = verdict([figures("a", seconds=0.46), figures("b", seconds=9.0)])
    assert fastest.words == "a was the fastest, with 0.5 s."


def test_free_models_share_the_place():
    """What costs nothing is the cheapest, all of it."""
    models = (figures("a", cost_usd=FREE), figures("b", cost_usd=Decimal("0.00")), figures("c"))
    assert found(FindingKind.CHEAPEST, *models).words == "a and b were the cheapest, for nothing."
    assert found(FindingKind.CHEAPEST, *models[:2]).words == "All cost the same, for nothing."
    assert not found(FindingKind.CHEAPEST, *models[:2]).is_decided


def test_an_unknown_price_is_not_cheap():
    """A model whose price nobody knows is named as such; beside it only what is free is surely the cheapest."""
    known = found(FindingKind.CHEAPEST, figures("a"), figures("b", cost_usd=Decimal(1)), figures("c", cost_usd=None))
    assert known.names == ("a",)
    assert known.words == "a was the cheapest, at $0.02. What c cost is not known."
    alone = found(FindingKind.CHEAPEST, figures("a"), figures("b", cost_usd=None))
    assert (alone.names, alone.words) == ((), "It is known of a only, so nobody can be called cheapest.")
    free = found(FindingKind.CHEAPEST, figures("a", cost_usd=FREE), figures("b", cost_usd=None))
    assert free.words == "a was the cheapest, for nothing. What b cost is not known."
    assert found(FindingKind.CHEAPEST, figures("a", cost_usd=None), figures("b", cost_usd=None)) is None


def test_coverage_within_a_point_is_equal():
    """Coverage is measured to a point, and no better."""
    close = found(FindingKind.MOST_COMPLETE, figures("a", coverage=0.985), figures("b", coverage=0.98))
    assert close.names == ()
    apart = found(FindingKind.MOST_COMPLETE, figures("a", coverage=0.985), figures("b", coverage=0.97))
    assert apart.names == ("a",)


def test_of_two_none_is_closer():
    """Two models agree with each other equally: that says nothing about which is right."""
    finding = found(FindingKind.CLOSEST, figures("a"), figures("b"))
    assert finding.names == ()
    assert "cannot tell" in finding.words


def test_a_difference_needs_words_to_be_believed():
    """Two points more in 9,000 words are no chance; in 100 words they are, and without a count nothing is."""
    for words, names in ((9000, ("a",)), (100, ()), (None, ()), (0, ())):
        models = [
            figures("a", words=words, wer=0.05),
            figures("b", words=words, wer=0.07),
            figures("c", words=words, wer=0.08),
        ]
        finding = found(FindingKind.FEWEST_ERRORS, *models)
        assert finding.names == names
    assert "by chance" in finding.words


def test_no_errors_at_all_is_still_one_word_from_one():
    """Without an error there is no variance to go by; one word of difference is not believed all the same."""
    models = [figures("a", words=50, wer=0.0), figures("b", words=50, wer=0.02)]
    assert found(FindingKind.FEWEST_ERRORS, *models).names == ()
    models = [figures("a", words=50, wer=0.0), figures("b", words=50, wer=2.5)]
    assert found(FindingKind.FEWEST_ERRORS, *models).names == ("a",)


def test_what_was_measured_of_none_is_not_spoken_of():
    """Without figures there are no sentences."""
    assert verdict([Figures("a"), Figures("b"), Figures("c")]) == ()
