"""Text part: some lines of a transcript, asked about or translated, and asked again where the answer lacks some."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial

from lib import prompts
from lib.domain.run import PartAnswer, PartState, Stage
from lib.domain.transcript import Cue
from lib.domain.translation import lines_to_translate
from lib.errors import AnswerTruncated, ContextTooLong, NothingThere, RequestTooLarge
from lib.formats.asked_lines import numbered_lines, read_numbered, timed_lines
from lib.formats.boxed_times import box
from lib.formats.text import one_line
from lib.pipeline.asked_text import lines_asked
from lib.pipeline.generate import Asked, ask_text
from lib.pipeline.run import known_run
from lib.pipeline.text_plan import recording_seconds
from lib.pipeline.work import Work

ASKED_AGAIN = 2
"""Lines that an answer lacks are asked for so many times more."""
LINES_BEFORE, LINES_AFTER = 4, 2
"""Said around the lines to translate, and sent along for the sense."""
WAIT = 0.3


class TextWork(Work):
    """The work on a part of a run about a transcript. Raises what the client raises, and Cancelled."""

    def ask(self) -> tuple[PartAnswer, ...]:
        cues = lines_asked(self.run, self.tools)
        self.reporter.part(self.part.index, PartState.ASKING)
        self.reporter.stage(Stage.ASKING)
        if self.part.lines is None:
            found = [self._ask(self._joining(cues), str, self.take)]
        elif self.run.request.task == prompts.TRANSLATION:
            places = lines_to_translate(cues, range(*self.part.lines))
            found = self._translate(cues, places, ASKED_AGAIN) if places else []
        else:
            found = [self._ask(self._question(cues), str, self.take)]
        return tuple(PartAnswer(each.digest, self.part.start, self.part.end, 0.0) for each in found)

    def _question(self, cues: Sequence[Cue]) -> str:
        request = self.run.request
        count = sum(part.lines is not None for part in self.plan.parts)
        return prompts.text_prompt(
            request.task,
            timed_lines(cues[slice(*self.part.lines)]),
            prompt=request.prompt,
            duration=recording_seconds(request, cues),
            language=request.language,
            terms=request.terms,
            stretch=(self.part.index + 1, count) if count > 1 else None,
        )

    def _joining(self, cues: Sequence[Cue]) -> str:
        """The question that makes one answer of those of all other parts. Raises NothingThere when one has none."""
        request = self.run.request
        while not all(part.state.is_over for part in known_run(self.run.id, self.tools).parts[: self.part.index]):
            self.reporter.check()
            time.sleep(WAIT)
        kept = [
            self.tools.store.generations.get(answer.digest)
            for answers in self.tools.store.runs.answers(self.run.id)[: self.part.index]
            for answer in answers
        ]
        answers = [each.generation.text for each in kept if each]
        if len(answers) < self.part.index:
            raise NothingThere("A stretch has no answer, so they cannot be joined.", "Repair it, then this part.")
        return prompts.joining_prompt(
            request.task,
            answers,
            prompt=request.prompt,
            duration=recording_seconds(request, cues),
            language=request.language,
            terms=request.terms,
        )

    def _translate(self, cues: Sequence[Cue], places: Sequence[int], again: int) -> list[Asked]:
        """The answers that together have these lines, each once. What is lacking is asked for again, and alone."""
        request = self.run.request
        prompt = prompts.translation_prompt(
            request.language,
            numbered_lines(cues, places),
            before=[one_line(cue.text) for cue in cues[max(0, places[0] - LINES_BEFORE) : places[0]]],
            after=[one_line(cue.text) for cue in cues[places[-1] + 1 : places[-1] + 1 + LINES_AFTER]],
            terms=request.terms,
        )
        try:
            asked = self._ask(prompt, partial(_as_lines, cues, places), 10 * self.take + ASKED_AGAIN - again)
        except (AnswerTruncated, ContextTooLong, RequestTooLarge) as exc:
            if len(places) < 2:
                raise
            self.bill(exc.generation)
            self.was_mended = True
            self.reporter.stage(Stage.ASKING, None, "too much for one question: asking for fewer lines")
            middle = len(places) // 2
            return [*self._translate(cues, places[:middle], again), *self._translate(cues, places[middle:], again)]
        found = read_numbered(asked.generation.text, places)
        missing = [place for place in places if place not in found]
        if not missing or not again:
            return [asked]
        self.reporter.stage(Stage.ASKING, None, f"{len(missing)} lines are missing: asking for them again")
        return [asked, *self._translate(cues, missing, again - 1)]

    def _ask(self, prompt: str, shown: Callable[[str], str], take: int) -> Asked:
        before = f"{self.text}\n" if self.texts else ""
        asked = ask_text(
            self.run.request,
            self.model,
            prompt,
            self.tools,
            self.reporter,
            lambda text: self.reporter.part_text(self.part.index, before + shown(text)),
            take,
        )
        self.note(asked)
        self.texts.append(shown(asked.generation.text))
        return asked


def _as_lines(cues: Sequence[Cue], places: Sequence[int], text: str) -> str:
    """What an answer has translated so far, at the times of its lines: what is read while it grows."""
    found = read_numbered(text, places)
    return "\n".join(f"{box(cues[place].start)} {found[place]}" for place in sorted(found))
