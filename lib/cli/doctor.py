"""Whether everything works, and what to do: ``doctor`` looks, ``restore`` puts a backup back."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from lib.cli.command import Command
from lib.cli.exit_codes import DONE, FAILED
from lib.cli.words import add_json, json_text, say
from lib.pipeline.doctor import Verdict
from lib.services import Services
from lib.settings import Settings
from lib.store import restore

MARKS = {Verdict.WORKS: "ok ", Verdict.LIMITED: "!  ", Verdict.FAILS: "NO "}


def examine(services: Services, options: argparse.Namespace) -> int:
    findings = []
    for finding in services.doctor.examine():
        findings.append(finding)
        if not options.json:
            print(f"{MARKS[finding.verdict]} {finding.name:14} {finding.found}", flush=True)
            if finding.note and finding.verdict is not Verdict.WORKS:
                print(f"{'':17}{finding.note}")
    if options.json:
        print(json_text([asdict(finding) for finding in findings]))
    return FAILED if any(finding.verdict is Verdict.FAILS for finding in findings) else DONE


def restore_backup(settings: Settings, options: argparse.Namespace) -> int:
    restored, aside = restore(settings.database_url, settings.backups_dir, options.backup)
    print(f"Restored {restored}.")
    if aside is not None:
        say(f"The database that was there is kept as {aside}, until a run, a video or a conversation is deleted.")
    return DONE


def _restore_takes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--backup", type=Path, metavar="FILE", help="another backup than the newest sound one")


DOCTOR = Command("doctor", "whether everything that Cuewise stands on works, and what to do", examine, add_json)
RESTORE = Command("restore", "put the newest backup in the place of a damaged database", restore_backup, _restore_takes)
