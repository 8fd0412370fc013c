"""What the steps share: clients whose requests are noted, and checks that explain themselves."""

import collections
import collections.abc
from types import SimpleNamespace

# The client was written when Python still had these names here; nothing else stands in its way.
for _name in ("Mapping", "MutableMapping"):
    if not hasattr(collections, _name):
        setattr(collections, _name, getattr(collections.abc, _name))

from simpl_client.syn import GamesAPIClient  # noqa: E402

STAFF = ("simpl@simpl.world", "simpl")

# A key that no row has.
NOWHERE = 999_999


class Tour:
    """The service under test, the staff's client, and what the steps leave for each other."""

    def __init__(self, url):
        self.url = url
        self.requests = []
        self.staff = self.client(STAFF)
        # The rows of the game that most steps work with.
        self.made = SimpleNamespace()

    def client(self, auth, url=None):
        """A client of an account, or of nobody; every answer it gets is noted."""
        client = GamesAPIClient(url=url or self.url, auth=auth)
        client.session.hooks["response"].append(self._note)
        # The client for bulk requests was given no session, since there was none yet.
        client.bulk.session.hooks["response"].append(self._note)
        return client

    def _note(self, answer, *_args, **_kwargs):
        path = answer.request.path_url
        self.requests.append((answer.request.method, path, answer.status_code))

    def since(self, mark):
        """Method and status of each request after the first `mark` ones."""
        return [(method, status) for method, _, status in self.requests[mark:]]

    def last_requests(self):
        """The requests before a failure, for whoever reads about it."""
        return self.requests[-5:]

    def check_all_answers(self):
        """No answer was an error of the service, and every method was used."""
        failed = [request for request in self.requests if request[2] >= 500]
        assert not failed, f"errors of the service: {failed}"
        methods = {method for method, _, _ in self.requests}
        assert methods == {"GET", "POST", "PUT", "PATCH", "DELETE"}, methods


def equal(got, expected, what=""):
    """Fails unless both are equal."""
    assert got == expected, f"{what}: got {got!r}, expected {expected!r}"


def raises(error, call, *args, **kwargs):
    """Calls something that must raise this very class, and returns what it raised."""
    try:
        result = call(*args, **kwargs)
    except Exception as raised:
        assert type(raised) is error, f"raised {raised!r} instead of {error.__name__}"
        return raised
    raise AssertionError(f"returned {result!r} instead of raising {error.__name__}")


def refused(call, *args, **kwargs):
    """Calls something that must be refused as a bad request, and returns the messages."""
    raised = raises(GamesAPIClient.BadRequestError, call, *args, **kwargs)
    equal(raised.response.status_code, 400)
    return raised.response.data


def denied(status, call, *args, **kwargs):
    """Calls something that the caller may not do, and returns the reason."""
    raised = raises(GamesAPIClient.NotAuthenticatedError, call, *args, **kwargs)
    equal(raised.response.status_code, status)
    return raised.response.data["detail"]


def keys(resources):
    """The keys of resources, in their order."""
    return [resource.id for resource in resources]
