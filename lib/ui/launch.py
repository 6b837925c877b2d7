"""Starts the app and its worker: ``python -m lib.ui.launch``, which is what ``make run`` does.

The worker is a child that ends with this process, however that ends. ``PORT`` chooses the port.
"""

from __future__ import annotations

import argparse
import socket
import sys
from contextlib import suppress
from pathlib import Path

from lib.allocator import give_back_what_is_freed
from lib.errors import CuewiseError
from lib.logs import start_logging
from lib.settings import APP_NAME, Settings

SERVER = Path(__file__).with_name("server.py")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m lib.ui.launch", description=f"Start {APP_NAME}.")
    parser.add_argument("--port", type=int, default=8501)
    parser.add_argument("--address", default="localhost", help="default localhost: only this machine can connect")
    options = parser.parse_args()
    give_back_what_is_freed()
    if not _is_free(options.address, options.port):
        _say(f"Port {options.port} is busy. Choose another: make run PORT={options.port + 1}")
        return 1
    try:
        settings = Settings.from_environment()
        log_file = start_logging(settings.data_dir, "app", is_json=settings.logs_json)
        # Imported late: a busy port is told at once.
        from lib.ui.frame import services_of

        services = services_of(settings)
    except CuewiseError as exc:
        _say(f"{exc} {exc.hint}".strip())
        return 1
    except OSError as exc:
        _say(f"The data folder cannot be used: {exc.strerror}. Choose another with CUEWISE_DATA.")
        return 1
    services.ensure_worker()
    print(f"{APP_NAME} runs at http://{options.address}:{options.port}  (Ctrl+C ends it)", flush=True)
    print(f"Data: {settings.data_dir}   Log: {log_file}", flush=True)
    try:
        _serve(options.address, options.port)
    finally:
        services.close()
    return 0


def _serve(address: str, port: int) -> None:
    from click.exceptions import Abort
    from streamlit.web import cli

    arguments = ["run", str(SERVER), "--server.address", address, "--server.port", str(port)]
    with suppress(Abort):  # how Streamlit's command line says Ctrl+C
        cli.main([*arguments, "--server.headless", "true"], standalone_mode=False)


def _is_free(address: str, port: int) -> bool:
    for family, kind, protocol, _, where in socket.getaddrinfo(address, port, type=socket.SOCK_STREAM):
        try:
            with socket.socket(family, kind, protocol) as probe:
                if sys.platform != "win32":
                    # A port whose last user ended a moment ago counts as free.
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(where)
        except OSError as exc:
            if family == socket.AF_INET6 and address == "localhost":
                continue  # a machine without IPv6
            del exc
            return False
    return True


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:  # while it was still starting
        sys.exit(130)
