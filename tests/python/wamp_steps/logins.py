"""Who logs in, and how: each function makes an authenticator of the client, to be used once."""

import base64

from autobahn.wamp import auth

# The key of `dan`: the router knows the public half.
PRIVATE_KEY = "4d" * 32


def ann():
    """By a ticket."""
    return ticket("ann", "secret-of-ann")


def bea():
    """By WAMP-CRA."""
    return wampcra("bea", "secret-of-bea")


def cal():
    """By WAMP-CRA with a salted secret."""
    return wampcra("cal", "secret-of-cal")


def dan():
    """By cryptosign."""
    return cryptosign("dan", PRIVATE_KEY)


def eve():
    """By SCRAM."""
    return scram("eve", "secret-of-eve")


def guest():
    """Anonymously."""
    return auth.create_authenticator("anonymous")


def ticket(authid, secret):
    """Anyone, by a ticket."""
    return _named(authid, auth.create_authenticator("ticket", authid=authid, ticket=secret))


def wampcra(authid, secret):
    """Anyone, by WAMP-CRA."""
    return _named(authid, auth.create_authenticator("wampcra", authid=authid, secret=secret))


def cryptosign(authid, key):
    """Anyone, by cryptosign."""
    return _named(authid, auth.create_authenticator("cryptosign", authid=authid, privkey=key))


def scram(authid, password):
    """Anyone, by SCRAM."""
    return _named(authid, auth.create_authenticator("scram", authid=authid, password=password))


def _named(authid, authenticator):
    authenticator.authid = authid
    return authenticator


def _pbkdf2_of_scram(password, salt, iterations):
    """The client forgets to decode the salt, which its own PBKDF2 then refuses."""
    return auth.pbkdf2(password, base64.b64decode(salt), iterations, keylen=32)


auth._hash_pbkdf2_secret = _pbkdf2_of_scram
