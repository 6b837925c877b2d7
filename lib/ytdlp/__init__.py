"""Links: what is behind one, and bringing it here. The only door to yt-dlp.

`LinkDoor.look_up` says what would be downloaded, `LinkDoor.download` brings it. Format choice is by need, not
"best": see `format_choice`.

Every connection goes through `lib.addresses`. The seam is yt-dlp's own request director: it is given exactly one
request handler, ours, whose HTTP connections are opened by `AddressGuard.connect`. Extractors, redirects, manifests,
fragments and downloads all pass there, whichever thread they run in, and nothing global is touched. What would go to
the network past it is shut: FTP and WebSockets have no handler, and programs that download by themselves (ffmpeg for
some streams, rtmpdump, curl) are never started. ffmpeg only ever joins files that are already here.

A proxy set in the environment is respected: the connection then goes to the proxy, which the operator chose, and the
name behind it is still judged as far as it resolves here.
"""

from lib.ytdlp.door import LinkDoor
from lib.ytdlp.formats import Need, format_choice
from lib.ytdlp.links import LinkPlaylist, LinkVideo
from lib.ytdlp.meter import DownloadProgress

__all__ = ["DownloadProgress", "LinkDoor", "LinkPlaylist", "LinkVideo", "Need", "format_choice"]
