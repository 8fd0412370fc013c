"""What the steps share: sessions, URIs of their own, and checks that explain themselves."""

import asyncio

from autobahn.asyncio.wamp import ApplicationSession
from autobahn.wamp import message, types
from autobahn.wamp.exception import ApplicationError

from . import logins, transports

# How long a step may take before it has failed; nothing in it waits for time to pass.
DEADLINE = 20

REALM = "realm1"


class CannotDo(Exception):
    """The client itself has no way to do what the step is about."""


class Refused(Exception):
    """The router did not let a session in."""

    def __init__(self, details):
        super().__init__(f"{details.reason}: {details.message}")
        self.reason = details.reason


class Client(ApplicationSession):
    """A session of Autobahn that tells by futures what happens to it."""

    def __init__(self, login, realm):
        super().__init__(types.ComponentConfig(realm=realm))
        self.login = login
        loop = asyncio.get_running_loop()
        self.joined = loop.create_future()
        self.id = None
        self.left = loop.create_future()
        self.closed = loop.create_future()

    def onConnect(self):
        authid = getattr(self.login, "authid", None)
        extra = self.login.authextra
        self.join(self.config.realm, [self.login.name], authid=authid, authextra=extra)

    def onChallenge(self, challenge):
        return self.login.on_challenge(self, challenge)

    def onWelcome(self, welcome):
        return self.login.on_welcome(self, welcome.authextra)

    def onJoin(self, details):
        self.id = details.session
        self.joined.set_result(details)

    def onLeave(self, details):
        self.left.set_result(details)
        if not self.joined.done():
            self.joined.set_exception(Refused(details))
        return super().onLeave(details)

    def onDisconnect(self):
        if not self.joined.done():
            self.joined.set_exception(ConnectionError("closed before the session began"))
        self.closed.set_result(None)
        return super().onDisconnect()

    def onUserError(self, fail, msg):
        """What handlers raise is raised on purpose."""

    async def call_with(self, options, procedure, *args, **kwargs):
        """Calls with options that are named as in the specification."""
        return await self.call(procedure, *args, options=types.CallOptions(**options), **kwargs)

    async def publish_with(self, options, topic, *args, **kwargs):
        """Publishes acknowledged, with options, and returns the publication's ID."""
        options = types.PublishOptions(acknowledge=True, **options)
        return (await self.publish(topic, *args, options=options, **kwargs)).id

    async def offer(self, procedure, endpoint, **options):
        """Registers an endpoint that takes the details of a call as `details`."""
        options = types.RegisterOptions(details=True, **options)
        return await self.register(endpoint, procedure, options)

    async def listen(self, topic, **options):
        """Subscribes, and returns where the events arrive."""
        inbox = Inbox()
        options = types.SubscribeOptions(details=True, **options)
        inbox.subscription = await self.subscribe(inbox, topic, options)
        return inbox

    def cancel_last_call(self, mode):
        """Cancels the last call; the client's own way to do so cannot name the mode."""
        self._transport.send(message.Cancel(max(self._call_reqs), mode))

    def break_connection(self):
        """Closes the connection without a word of the protocol."""
        self._transport.abort()


class Event:
    """An event as it arrived."""

    def __init__(self, args, kwargs, details):
        self.args = args
        self.kwargs = kwargs
        self.details = details


class Inbox:
    """The events of one subscription, in the order they arrived."""

    def __init__(self):
        self.subscription = None
        self._events = asyncio.Queue()

    def __call__(self, *args, details, **kwargs):
        self._events.put_nowait(Event(args, kwargs, details))

    async def next(self):
        """The next event."""
        return await self._events.get()

    async def first_args(self, last):
        """The first argument of every event before the one where it is `last`.

        That one was published after all others: what is not here now did not arrive at all.
        """
        found = []
        while (event := await self.next()).args[0] != last:
            found.append(event.args[0])
        return found

    async def about(self, wanted):
        """The next event whose first argument is `wanted`, past those of other sessions."""
        while (event := await self.next()).args[0] != wanted:
            pass
        return event


class Room:
    """Where one step works: a way to the router, URIs of its own, the sessions it opened."""

    def __init__(self, link, links, number):
        self.link = link
        self.links = links
        self._number = number
        self._sessions = []

    def uri(self, *parts):
        """A URI that no other step uses."""
        return ".".join(("com.example", f"step{self._number}", *parts))

    def public_uri(self, *parts):
        """A URI that no other step uses, where guests may call and subscribe."""
        return ".".join(("com.example.public", f"step{self._number}", *parts))

    async def join(self, login=logins.ann, link=None, realm=REALM):
        """Opens a session."""
        client = Client(login(), realm)
        self._sessions.append(client)
        await transports.connect(link or self.link, client)
        await client.joined
        return client

    async def refused(self, login, realm=REALM):
        """Tries to open a session, and returns the reason why there is none."""
        try:
            await self.join(login, realm=realm)
        except Refused as refused:
            return refused.reason
        raise AssertionError("the session was let in")

    async def close(self):
        """Ends the sessions that are still there, and waits until their connections are closed."""
        for session in self._sessions:
            if session.is_attached():
                session.leave()
            elif session.is_connected():
                session.disconnect()
        await asyncio.gather(*(it.closed for it in self._sessions if it.is_connected()))


def equal(got, expected, what=""):
    """Fails unless both are equal, and numbers in them of the same type."""
    assert _typed(got) == _typed(expected), f"{what}: got {got!r}, expected {expected!r}"


def _typed(value):
    """The value with the types of what is in it, since `1 == 1.0 == True` for Python."""
    if isinstance(value, (list, tuple)):
        return [_typed(item) for item in value]
    if isinstance(value, dict):
        return {key: _typed(item) for key, item in value.items()}
    # The text tells `-0.0` from `0.0`.
    return (type(value), repr(value))


async def fails(uri, request):
    """Waits for a request that must fail with one of these URIs, and returns the error."""
    uris = [uri] if isinstance(uri, str) else uri
    try:
        result = await request
    except ApplicationError as error:
        assert error.error in uris, f"failed with `{error}` instead of {uris}"
        return error
    raise AssertionError(f"answered {result!r} instead of failing with {uris}")
