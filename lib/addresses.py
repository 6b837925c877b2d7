"""Which network addresses may be asked for media on a user's behalf.

A link is given by whoever sits at the page; the machine that follows it may stand where that person must not
reach: beside a database, a router's pages, a cloud's metadata service. So every connection made for a link goes
through `AddressGuard.connect`: the name is resolved once, every address it has is judged, and the socket is opened
to one of those same addresses. There is no second look-up whose answer could differ (DNS rebinding), and since each
redirect needs a connection, each redirect is judged too. How the host is spelled (decimal, hexadecimal, octal,
trailing dot, international) does not matter: what is judged is the address it leads to.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import SplitResult, urlsplit, urlunsplit

from lib.errors import BadLink, LinkUnreachable, PrivateAddress

MAX_URL_LENGTH = 8192

# Addresses under which clouds answer with secrets. The link-local one (169.254.169.254) falls under its network.
METADATA_ADDRESSES = frozenset(
    ipaddress.ip_address(address) for address in ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254")
)
NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: the last 32 bits are the IPv4 address reached

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
AddressInfo = tuple[Any, Any, int, str, tuple[Any, ...]]  # as socket.getaddrinfo gives it


class Reach(StrEnum):
    """Who is reached at an address."""

    PUBLIC = "public"
    PRIVATE = "private"  # loopback and networks of one's own: allowed when the operator says so
    FORBIDDEN = "forbidden"  # metadata, link-local, multicast, reserved, unspecified: never a server of media


def reach_of(address: IPAddress) -> Reach:
    """Judge an address; one that carries an IPv4 address inside is judged by that one."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is not None:
            return reach_of(inner)
    if address in METADATA_ADDRESSES:
        return Reach.FORBIDDEN
    if address.is_loopback:  # before `is_reserved`: ::1 lies in a reserved block
        return Reach.PRIVATE
    if address.is_unspecified or address.is_link_local or address.is_multicast or address.is_reserved:
        return Reach.FORBIDDEN
    if isinstance(address, ipaddress.IPv4Address) and address in ipaddress.ip_network("0.0.0.0/8"):
        return Reach.FORBIDDEN
    if isinstance(address, ipaddress.IPv6Address) and address.is_site_local:  # ended by RFC 3879; Python says global
        return Reach.PRIVATE
    return Reach.PUBLIC if address.is_global else Reach.PRIVATE


def check_url(url: str, *, allow_private: bool) -> str:
    """The link without blanks around it, if it may be asked now. See `AddressGuard.check_url`."""
    return AddressGuard(allow_private=allow_private).check_url(url)


def without_credentials(url: str) -> str:
    """The link as it may be shown and logged: no user name, no password, no query."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def without_password(url: str) -> str:
    """The link as it may be handed on: no user name and no password; the query stays, it may name the video."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


@dataclass(frozen=True, slots=True)
class AddressGuard:
    """Opens connections to the addresses that may be asked, and to no other. Safe to share between threads.

    ``allow_private`` admits loopback and private networks; metadata services, link-local and the like stay closed.
    ``exempt`` are single addresses that are admitted whatever they are. ``resolve`` is `socket.getaddrinfo`.
    """

    allow_private: bool = False
    exempt: frozenset[str] = frozenset()
    resolve: Callable[..., list[AddressInfo]] = socket.getaddrinfo

    def check_url(self, url: str, *, proxied: bool = False) -> str:
        """The cleaned link: http or https, a host, and every address of that host may be asked.

        ``proxied`` says that a proxy will make the connection: a name that only the proxy can resolve is then
        left to it. Raises BadLink, PrivateAddress, and LinkUnreachable for a name that does not resolve.
        """
        url, parts = _split(url)
        try:
            self.addresses(parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
        except UnicodeError as exc:
            raise BadLink("The server name in the link cannot be right.") from exc
        except OSError as exc:
            if not proxied:
                raise LinkUnreachable(f"The server {parts.hostname} could not be found.") from exc
        return url

    def addresses(self, host: str, port: int) -> list[AddressInfo]:
        """Resolve ``host`` and judge every address. Raises PrivateAddress, OSError (no such name), UnicodeError.

        One address out of bounds condemns the name: a server that is public has no private address.
        """
        found = self.resolve(host, port, 0, socket.SOCK_STREAM)
        for *_, where in found:
            self._judge(host, str(where[0]))
        return found

    def connect(
        self,
        address: tuple[str, int],
        timeout: float | object | None = socket._GLOBAL_DEFAULT_TIMEOUT,  # type: ignore[attr-defined]
        source_address: tuple[str, int] | None = None,
    ) -> socket.socket:
        """As `socket.create_connection`, to an address that was judged. Raises PrivateAddress and OSError."""
        found = self.addresses(*address)
        if source_address is not None:
            family = socket.AF_INET6 if ":" in source_address[0] else socket.AF_INET
            found = [info for info in found if info[0] == family]
        first_error: OSError | None = None
        for family, kind, protocol, _, where in found:
            try:
                return _open_socket(family, kind, protocol, where, timeout, source_address)
            except OSError as exc:
                first_error = first_error or exc
        raise first_error or OSError(f"no address for {address[0]}")

    def _judge(self, host: str, address: str) -> None:
        if address in self.exempt:
            return
        reach = reach_of(ipaddress.ip_address(address))
        if reach is Reach.FORBIDDEN:
            raise PrivateAddress(
                f"{host} leads to an address that is reserved and never asked.", "Paste a link to a public server."
            )
        if reach is Reach.PRIVATE and not self.allow_private:
            raise PrivateAddress(f"{host} leads to a private address, and those are not asked.")


def _split(url: str) -> tuple[str, SplitResult]:
    """The link cleaned, and its parts. Raises BadLink; its message repeats nothing that may be a secret."""
    url = url.strip().strip("<>\"'").strip()
    if not url:
        raise BadLink("There is no link.")
    if len(url) > MAX_URL_LENGTH:
        raise BadLink("The link is too long to be one.")
    if any(character.isspace() or not character.isprintable() for character in url):
        raise BadLink("The link has blanks or control characters in it.")
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port  # a port that is no number only shows when it is read
    except ValueError as exc:
        raise BadLink("This is not a link.") from exc
    if parts.scheme.lower() not in {"http", "https"}:
        if parts.scheme and "://" in url:
            raise BadLink(f"Links with {parts.scheme[:20]}:// are not supported, only http:// and https://.")
        raise BadLink("This is not a whole link.")
    # A backslash is read as a slash by browsers and as a letter by others: two readings, two hosts.
    if not host or "\\" in parts.netloc:
        raise BadLink("The link names no server.")
    return url, parts


def _open_socket(
    family: int,
    kind: int,
    protocol: int,
    where: tuple[Any, ...],
    timeout: float | object | None,
    source_address: tuple[str, int] | None,
) -> socket.socket:
    connection = socket.socket(family, kind, protocol)
    try:
        if timeout is not socket._GLOBAL_DEFAULT_TIMEOUT:  # type: ignore[attr-defined]
            connection.settimeout(timeout)  # type: ignore[arg-type]
        if source_address:
            connection.bind(source_address)
        connection.connect(where)
    except BaseException:
        connection.close()
        raise
    return connection
