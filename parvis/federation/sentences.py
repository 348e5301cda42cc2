"""Why somebody could not sign in, for them and for their administrator. The codes are those of `SignInError`."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import gettext as _

from parvis.federation.failure import SignInError


def sentence(error: SignInError) -> str:
    """What happened and what to do. A code from a later version still gets a true sentence."""
    return _SENTENCES.get(error.code, _unknown)()


def federation_sentence(problem: str) -> str:
    """Why a federation could not be read, for the administrator who added it. `problem` begins with a code."""
    unread = _("There are no metadata of identity providers at this address. Check it.")
    said = {
        "signature": _("What is published there is not signed by a key that you gave. Compare its keys, in the settings."),
        "metadata": _("What is published there cannot be used: no provider, expired, or without an end of validity."),
        "provider_status": unread,
        "unreachable": _("Nothing answers at this address. Check it; it is tried again every hour."),
        "slow": _("This address takes too long to answer. It is tried again every hour."),
        "certificate": _("The certificate of this address is not valid."),
        "inside": _("This address is inside the network: whoever runs Parvis allows it in PARVIS_PRIVATE_HOSTS."),
        "not_tls": _("This address is not https://, as it must be."),
    }
    return said.get(problem.partition(": ")[0], unread)


def entity_sentence(error: SignInError) -> str:
    """Why a provider that was asked for by its name was not found, for the administrator who asked."""
    if error.detail == "unknown":
        return _("This federation gives nothing under this name. Copy the identifier of the provider to the letter.")
    return federation_sentence(str(error))


def detail(error: SignInError) -> str:
    """For administrators only: what exactly was wrong."""
    return f"{error.code}: {error.detail}" if error.detail else error.code


def _unknown() -> str:
    return _("Your institution’s sign-in server and Parvis do not understand each other. Tell your administrator.")


def _unreachable() -> str:
    return _("Your institution’s sign-in server does not answer. Try again in a moment.")


def _misconfigured() -> str:
    return _("This sign-in source is not set up rightly. Tell your administrator.")


def _start_again() -> str:
    return _("This sign-in is too old, was already used, or was begun in another browser. Start again.")


def _unproved() -> str:
    return _("What your institution’s sign-in server says is not signed as it should be. Tell your administrator.")


_SENTENCES: dict[str, Callable[[], str]] = {
    "unreachable": _unreachable,
    "slow": lambda: _(
        "Your institution’s sign-in server takes too long to answer. Try again in a moment, or sign in in another way."
    ),
    "provider_status": _unreachable,
    "certificate": lambda: _("The certificate of your institution’s sign-in server is not valid. Tell your administrator."),
    "address": _misconfigured,
    "not_tls": _misconfigured,
    "inside": _misconfigured,
    "discovery": _misconfigured,
    "keys": _misconfigured,
    "client": _misconfigured,
    "secret": _misconfigured,
    "state": _start_again,
    "ticket": _start_again,
    "code": _start_again,
    "signature": _unproved,
    "encryption": _unproved,
    "response": lambda: _(
        "The answer of your institution’s sign-in server is not for Parvis, is too old, or does not answer this request. "
        "Start again."
    ),
    "scope": lambda: _(
        "Your institution’s sign-in server gives an identifier of a domain that is not its own. Tell your administrator."
    ),
    "metadata": lambda: _("The metadata of this identity provider cannot be used. Tell your administrator."),
    "denied": lambda: _("Your institution’s server says that you did not go on. Start again if you wish."),
    "no_role": lambda: _(
        "Your account is recognised, but nothing that your institution says of you opens Parvis. Ask your administrator."
    ),
    "suspended": lambda: _("Your access is suspended. Ask your administrator."),
    "account_of_another": lambda: _(
        "This account already belongs to somebody who signed in with it: the two cannot be joined here. "
        "Ask your administrator."
    ),
    "no_key": lambda: _(
        "Your institution’s server did not say by which identifier to recognise you. Tell your administrator."
    ),
}
