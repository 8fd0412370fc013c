"""The ways to the router that the client has: transports and serializers."""

import asyncio
from dataclasses import dataclass
from urllib.parse import urlsplit

from autobahn.asyncio.rawsocket import WampRawSocketClientFactory
from autobahn.asyncio.websocket import WampWebSocketClientFactory
from autobahn.wamp import serializer

SERIALIZERS = {
    "json": serializer.JsonSerializer,
    "msgpack": serializer.MsgPackSerializer,
    "cbor": serializer.CBORSerializer,
}


@dataclass(frozen=True)
class Link:
    """A transport with a serializer."""

    url: str
    serializer: str

    @property
    def name(self):
        """Such as `ws/json`."""
        return f"{urlsplit(self.url).scheme}/{self.serializer}"


def links(urls):
    """All links to these URLs."""
    return [Link(url, serializer) for url in urls for serializer in SERIALIZERS]


async def connect(link, session):
    """Connects the session's transport; what happens then, the session tells."""
    loop = asyncio.get_running_loop()
    url = urlsplit(link.url)
    spoken = SERIALIZERS[link.serializer]()
    if url.scheme == "ws":
        factory = WampWebSocketClientFactory(lambda: session, url=link.url, serializers=[spoken])
        factory.setProtocolOptions(openHandshakeTimeout=0, closeHandshakeTimeout=0)
        await loop.create_connection(factory, url.hostname, url.port)
    elif url.scheme == "tcp":
        factory = WampRawSocketClientFactory(lambda: session, spoken)
        await loop.create_connection(factory, url.hostname, url.port)
    else:
        factory = WampRawSocketClientFactory(lambda: session, spoken)
        await loop.create_unix_connection(factory, url.path)
