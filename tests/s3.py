"""A real S3-compatible server for the tests: OpenStack Swift with its S3 door, as it is run in production, but with all
of its services in one process and one copy of each object. It checks signatures, and keeps files on the disk.

    python -m tests.s3 FOLDER      serves until its standard input closes, and prints its address
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[1]
KEY, SECRET = "cuewise:tests", "a-secret-of-the-tests"

CONF = """
[pipeline:main]
pipeline = {pipeline}
[app:account]
use = egg:swift#account
{node}
[app:container]
use = egg:swift#container
{node}
[app:object]
use = egg:swift#object
{node}
disable_fallocate = true
[app:proxy-server]
use = egg:swift#proxy
swift_dir = {folder}
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:s3api]
use = egg:swift#s3api
[filter:tempauth]
use = egg:swift#tempauth
user_cuewise_tests = {secret} .admin
[filter:slo]
use = egg:swift#slo
"""
PIPELINES = {
    "account": "account",
    "container": "container",
    "object": "object",
    "proxy": "catch_errors listing_formats s3api tempauth slo proxy-server",
}


def has_swift() -> bool:
    """Whether the server is installed: the requirements of the tests bring it where it runs, that is on Linux."""
    return find_spec("swift") is not None


@contextmanager
def running_s3(folder: Path) -> Iterator[dict[str, str]]:
    """A server with the bucket ``media``; gives the environment in which the tools of S3 find it and its key."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.s3", str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        try:
            address = server.stdout.readline().strip()
            assert address, "the S3 server did not start"
            environment = {
                "AWS_ENDPOINT_URL": address,
                "AWS_ACCESS_KEY_ID": KEY,
                "AWS_SECRET_ACCESS_KEY": SECRET,
                "AWS_DEFAULT_REGION": "us-east-1",
            }
            make_bucket("media", environment)
            yield environment
        finally:
            server.kill()


def make_bucket(name: str, environment: dict[str, str]) -> None:
    """Make a bucket, as its owner does before the app is told of it."""
    script = "import sys, s3fs; s3fs.S3FileSystem().mkdir(sys.argv[1])"
    subprocess.run([sys.executable, "-c", script, name], env=os.environ | environment, check=True, timeout=60)


def main(folder: Path) -> None:
    import eventlet

    eventlet.monkey_patch()

    from eventlet import wsgi
    from swift.common import utils
    from swift.common.ring import RingBuilder

    (folder / "disks" / "one").mkdir(parents=True)
    (folder / "swift.conf").write_text(
        "[swift-hash]\nswift_hash_path_suffix = cuewise\n[storage-policy:0]\nname = one\n"
    )
    utils.SWIFT_CONF_FILE = str(folder / "swift.conf")
    os.environ["SWIFT_DIR"] = str(folder)
    sockets = {name: eventlet.listen(("127.0.0.1", 0)) for name in PIPELINES}
    for name, socket in sockets.items():
        ring = RingBuilder(part_power=4, replicas=1, min_part_hours=1)
        address = {"ip": "127.0.0.1", "port": socket.getsockname()[1]}
        replication = {f"replication_{each}": value for each, value in address.items()}
        ring.add_dev({"id": 0, "region": 1, "zone": 1, "weight": 1, "device": "one", **address, **replication})
        ring.rebalance()
        ring.get_ring().save(str(folder / f"{name}.ring.gz"))

    from swift.common.wsgi import loadapp

    node = f"devices = {folder / 'disks'}\nswift_dir = {folder}\nmount_check = false"
    for name, pipeline in PIPELINES.items():
        conf = folder / f"{name}.conf"
        conf.write_text(CONF.format(pipeline=pipeline, node=node, folder=folder, secret=SECRET))
        eventlet.spawn(wsgi.server, sockets[name], loadapp(str(conf)), log_output=False)
    print(f"http://127.0.0.1:{sockets['proxy'].getsockname()[1]}", flush=True)
    while os.read(0, 1024):
        pass


if __name__ == "__main__":
    main(Path(sys.argv[1]))
