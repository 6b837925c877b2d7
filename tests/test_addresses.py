"""Which addresses may be asked, and that the check holds for the connection that is made."""

from __future__ import annotations

import ipaddress
import socket

import pytest

from lib.addresses import AddressGuard, Reach, check_url, reach_of, without_credentials, without_password
from lib.errors import BadLink, LinkUnreachable, PrivateAddress
from tests.fakes.media_server import Answer, MediaServer

PUBLIC = "93.184.216.34"


def resolving(*addresses: str):
    """A resolver that gives the addresses one call after the other, the last for ever."""
    left = list(addresses)

    def resolve(host, port, family=0, kind=0):
        address = left.pop(0) if len(left) > 1 else left[0]
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [(family, socket.SOCK_STREAM, 6, "", (address, port))]

    return resolve


@pytest.mark.parametrize(
    ("address", "reach"),
    [
        ("93.184.216.34", Reach.PUBLIC),
        ("2606:4700:4700::1111", Reach.PUBLIC),
        ("::ffff:93.184.216.34", Reach.PUBLIC),
        ("64:ff9b::5db8:d822", Reach.PUBLIC),
        ("127.0.0.1", Reach.PRIVATE),
        ("127.8.9.10", Reach.PRIVATE),
        ("::1", Reach.PRIVATE),
        ("10.1.2.3", Reach.PRIVATE),
        ("172.16.0.1", Reach.PRIVATE),
        ("192.168.1.1", Reach.PRIVATE),
        ("100.64.0.1", Reach.PRIVATE),
        ("198.18.0.1", Reach.PRIVATE),
        ("fd12::1", Reach.PRIVATE),
        ("fec0::1", Reach.PRIVATE),
        ("::ffff:127.0.0.1", Reach.PRIVATE),
        ("64:ff9b::7f00:1", Reach.PRIVATE),
        ("2002:7f00:1::", Reach.PRIVATE),
        ("2002:c0a8:101::1", Reach.PRIVATE),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", Reach.PRIVATE),
        ("169.254.169.254", Reach.FORBIDDEN),
        ("::ffff:169.254.169.254", Reach.FORBIDDEN),
        ("64:ff9b::a9fe:a9fe", Reach.FORBIDDEN),
        ("100.100.100.200", Reach.FORBIDDEN),
        ("168.63.129.16", Reach.FORBIDDEN),
        ("fd00:ec2::254", Reach.FORBIDDEN),
        ("fe80::1", Reach.FORBIDDEN),
        ("0.0.0.0", Reach.FORBIDDEN),
        ("0.1.2.3", Reach.FORBIDDEN),
        ("::", Reach.FORBIDDEN),
        ("224.0.0.1", Reach.FORBIDDEN),
        ("239.255.255.250", Reach.FORBIDDEN),
        ("ff02::1", Reach.FORBIDDEN),
        ("240.0.0.1", Reach.FORBIDDEN),
        ("255.255.255.255", Reach.FORBIDDEN),
        ("::7f00:1", Reach.FORBIDDEN),
        ("64:ff9b:1::7f00:1", Reach.FORBIDDEN),
    ],
)
def test_an_address_is_judged_by_whom_it_reaches(address, reach):
    """Also when an IPv4 address travels inside an IPv6 one."""
    assert reach_of(ipaddress.ip_address(address)) is reach


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "[::1]", "[::ffff:7f00:1]"],
)
def test_loopback_is_refused_however_it_is_spelled(host):
    """Decimal, hexadecimal, octal, shortened: the address it leads to is judged."""
    with pytest.raises(PrivateAddress):
        check_url(f"http://{host}/video.mp4", allow_private=False)


@pytest.mark.parametrize("host", ["169.254.169.254", "0.0.0.0", "[fe80::1]", "100.100.100.200"])
def test_metadata_services_stay_closed_even_when_private_addresses_are_allowed(host):
    """The switch opens one's own network, not the cloud's secrets."""
    with pytest.raises(PrivateAddress):
        check_url(f"http://{host}/", allow_private=True)


def test_a_trailing_dot_is_no_way_around():
    """`localhost.` is `localhost` for some resolvers and nothing for others; no one gets through."""
    with pytest.raises((PrivateAddress, LinkUnreachable)):
        check_url("http://localhost./", allow_private=False)


def test_private_addresses_are_allowed_when_the_operator_says_so():
    """The cleaned link comes back."""
    assert check_url("  <http://127.0.0.1:8000/a.mp4?x=1> \n", allow_private=True) == "http://127.0.0.1:8000/a.mp4?x=1"


def test_a_public_address_is_allowed():
    """Without a name there is nothing to look up."""
    assert check_url(f"https://{PUBLIC}/a.mp4", allow_private=False) == f"https://{PUBLIC}/a.mp4"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "   ",
        "hello",
        "example.org/video",
        "ftp://example.org/a.mp4",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://",
        "https:///video",
        "http://exa mple.org/",
        "http://example.org/\x00",
        "http://example.org:port/",
        "http://example.org:99999/",
        "http://[::1/",
        "http://93.184.216.34\\@127.0.0.1/",
        "http://" + "a" * 70 + ".org/",
        "http://a..b/",
        "https://example.org/" + "a" * 9000,
    ],
)
def test_what_is_no_link_is_told_so(url):
    """A sentence about the link, never an exception of a parser."""
    with pytest.raises(BadLink):
        check_url(url, allow_private=True)


def test_a_name_that_does_not_exist_is_told_so():
    """The name is in the sentence, so that a typing error shows."""
    with pytest.raises(LinkUnreachable, match=r"nothing\.invalid"):
        check_url("https://nothing.invalid/a.mp4", allow_private=False)


def test_behind_a_proxy_an_unknown_name_is_left_to_the_proxy():
    """But a name that does resolve here is judged all the same."""
    guard = AddressGuard()
    assert guard.check_url("https://nothing.invalid/a.mp4", proxied=True)
    with pytest.raises(PrivateAddress):
        guard.check_url("http://10.0.0.1/a.mp4", proxied=True)


def test_a_password_never_shows_in_a_message():
    """Neither in ours nor in what is shown of a link."""
    with pytest.raises(PrivateAddress) as caught:
        check_url("http://ann:secret@127.0.0.1/a.mp4?token=hidden", allow_private=False)
    assert "secret" not in str(caught.value)
    assert "hidden" not in str(caught.value)
    assert without_credentials("https://ann:secret@example.org:8000/a.mp4?token=x") == "https://example.org:8000/a.mp4"


def test_one_private_address_among_public_ones_condemns_the_name():
    """Else whoever answers for the name could have us try the other one."""

    def both(host, port, family=0, kind=0):
        return resolving(PUBLIC)(host, port) + resolving("10.0.0.1")(host, port)

    with pytest.raises(PrivateAddress):
        AddressGuard(resolve=both).check_url("https://example.org/")


def test_a_name_that_changes_its_address_after_the_check_is_not_connected_to():
    """DNS rebinding: public when the link is checked, loopback when the connection is made."""
    with MediaServer() as server:
        server.put("/a", Answer(body=b"secret"))
        guard = AddressGuard(resolve=resolving(PUBLIC, "127.0.0.1"))
        guard.check_url(f"http://example.org:{server.port}/a")
        with pytest.raises(PrivateAddress):
            guard.connect(("example.org", server.port), timeout=2)
        assert server.requests == []


def test_the_connection_goes_to_the_address_that_was_judged():
    """The name is looked up once for a connection."""
    with MediaServer() as server:
        asked = []

        def resolve(host, port, family=0, kind=0):
            asked.append(host)
            return resolving("127.0.0.1")(host, port)

        with AddressGuard(allow_private=True, resolve=resolve).connect(("example.org", server.port), timeout=2) as link:
            assert link.getpeername() == ("127.0.0.1", server.port)
        assert asked == ["example.org"]


def test_an_exempt_address_is_admitted_alone():
    """Its neighbours are not."""
    guard = AddressGuard(exempt=frozenset({"127.0.0.1"}))
    assert guard.check_url("http://127.0.0.1/")
    with pytest.raises(PrivateAddress):
        guard.check_url("http://127.0.0.2/")


@pytest.mark.parametrize(
    ("url", "handed_on"),
    [
        ("https://ann:se%40cret@example.org:8443/a?v=1#t=2", "https://example.org:8443/a?v=1#t=2"),
        ("https://www.youtube.com/watch?v=abc", "https://www.youtube.com/watch?v=abc"),
        ("http://ann@[::1]/a", "http://[::1]/a"),
    ],
)
def test_a_link_is_handed_on_without_its_password_and_with_its_query(url, handed_on):
    """The query may be what names the video."""
    assert without_password(url) == handed_on
