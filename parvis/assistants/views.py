"""Pages of assistants and conversations, and the stream of an answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import urlencode

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from parvis.access.doors import find, get_or_404, requires
from parvis.access.exports import record_export
from parvis.access.http import SignedInRequest
from parvis.access.pace import actions as pace
from parvis.access.sensitivity import DATA_CLASSES
from parvis.assistants import actions, export, jobs
from parvis.assistants.forms import AssistantForm, ClassForm, QuestionForm, TitleForm
from parvis.assistants.models import COURSE_FORBIDS, Assistant, Conversation, Signal, SignalKind, Turn
from parvis.assistants.presentation import excerpts, exported, source_shown, turns_shown
from parvis.assistants.streaming import messages_since
from parvis.corpora.ai_rule.models import CourseRule, Use
from parvis.corpora.forms import CorpusForm
from parvis.corpora.lengths import length_words
from parvis.corpora.models import WAITING, Corpus, Document, DocumentState
from parvis.institutions.models import DataClass
from parvis.isolation.scope import within
from parvis.web.connections import release_connection

RECENT = 5
PER_PAGE = 20
WAIT_SECONDS = 110.0  # a page without script; what is not written by then is shown at the next load
HEARTBEAT_SECONDS = 12.0

editing = require_http_methods(["GET", "HEAD", "POST"])


@requires("profile:switch")
@require_GET
def home(request: SignedInRequest) -> HttpResponse:
    if not request.principal.may("assistant:use"):  # people of the alliance, vendors: their work is the commons
        return redirect("offers:space" if request.principal.may("answer:view") else "needs:dashboard")
    assistants = Assistant.objects.visible_to(request.principal).select_related("owner__person")
    recent = Conversation.objects.visible_to(request.principal).select_related("assistant")[:RECENT]
    context = {
        "assistants": [_card(request, assistant) for assistant in assistants],
        "recent": [_row(request, conversation) for conversation in recent],
        "create_url": reverse("assistants:course_new") if request.principal.may("corpus:create") else "",
    }
    return render(request, "assistants/home.html", context)


@requires("assistant:use")
@editing
def assistant(request: SignedInRequest, assistant_id: int) -> HttpResponse:
    found = get_or_404(request.principal, "assistant:use", Assistant, id=assistant_id)
    if request.method == "POST":
        return _ask(request, found, None)
    return _page(request, found, None)


@requires("conversation:view")
@editing
def conversation(request: SignedInRequest, conversation_id: int) -> HttpResponse:
    found = get_or_404(request.principal, "conversation:view", Conversation, id=conversation_id)
    if request.method == "POST":
        return _ask(request, found.assistant, found)
    return _page(request, found.assistant, found)


@requires("conversation:view")
@never_cache
@require_GET
def turn(request: SignedInRequest, turn_id: int) -> HttpResponse:
    """The turn as it is now; the whole page for who comes without script."""
    found = get_or_404(request.principal, "conversation:view", Turn, id=turn_id)
    if not request.headers.get("HX-Request"):
        return redirect(_place(found))
    return _turn(request, found)


@requires("conversation:view")
@require_GET
async def stream(request: SignedInRequest, turn_id: int) -> HttpResponseBase:
    """Server-sent events from the log, after the one that the browser says it had."""
    await sync_to_async(get_or_404)(request.principal, "conversation:view", Turn, id=turn_id)
    return StreamingHttpResponse(
        _events(request, turn_id, _after(request)),
        content_type="text/event-stream; charset=utf-8",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


@requires("conversation:edit")
@require_POST
def cancellation(request: SignedInRequest, turn_id: int) -> HttpResponse:
    found = get_or_404(request.principal, "conversation:edit", Turn, id=turn_id)
    if actions.cancel(request.principal, found):
        jobs.stop(found.id)
    return redirect(_place(found))


@requires("conversation:edit")
@require_POST
def retry(request: SignedInRequest, turn_id: int) -> HttpResponse:
    return _ask_again(request, turn_id, quotes_only=False)


@requires("conversation:edit")
@require_POST
def extract(request: SignedInRequest, turn_id: int) -> HttpResponse:
    return _ask_again(request, turn_id, quotes_only=True)


@requires("conversation:edit")
@require_POST
def signal(request: SignedInRequest, turn_id: int) -> HttpResponse:
    """“This is wrong”, “pass it to my teacher”, or taking it back."""
    found = get_or_404(request.principal, "conversation:edit", Turn, id=turn_id)
    kind = request.POST.get("kind", "")
    if kind not in SignalKind.values:
        raise Http404
    act = actions.withdraw_signal if "withdraw" in request.POST else actions.signal
    act(request.principal, found, SignalKind(kind))
    return _turn(request, found) if request.headers.get("HX-Request") else redirect(_place(found))


@requires("signal:view")
@require_GET
def signals(request: SignedInRequest, corpus_id: int) -> HttpResponse:
    """What students sent to the people responsible for a course."""
    corpus = get_or_404(request.principal, "corpus:edit", Corpus, id=corpus_id)
    sent = Signal.objects.visible_to(request.principal).filter(assistant__corpora=corpus)
    sent = sent.with_unproven().select_related("profile__person", "turn")
    page = Paginator(sent.order_by(F("closed_at").asc(nulls_first=True), "-id"), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "assistants/signals.html", {"corpus": corpus, "page": page, "waiting": sent.waiting().count()})


@requires("signal:edit")
@require_POST
def signal_closing(request: SignedInRequest, signal_id: int) -> HttpResponse:
    found = get_or_404(request.principal, "signal:edit", Signal, id=signal_id)
    actions.close_signal(request.principal, found)
    corpus = found.assistant.corpora.first()
    return redirect("assistants:signals", corpus.id) if corpus else redirect("assistants:home")


@requires("conversation:view")
@require_GET
def history(request: SignedInRequest) -> HttpResponse:
    words = request.GET.get("q", "").replace("\0", "").strip()[:200]
    found = Conversation.objects.visible_to(request.principal).matching(words).select_related("assistant")
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    where = excerpts(list(page.object_list), words, request.principal)
    page.object_list = [_row(request, one) | {"excerpt": where.get(one.id, [])} for one in page.object_list]
    context = {"page": page, "query": words, "home_url": reverse("assistants:home")}
    return render(request, "assistants/history.html", context)


@requires("conversation:edit")
@require_POST
def rename(request: SignedInRequest, conversation_id: int) -> HttpResponse:
    found = get_or_404(request.principal, "conversation:edit", Conversation, id=conversation_id)
    form = TitleForm(request.POST)
    if form.is_valid():
        actions.rename_conversation(request.principal, found, form.cleaned_data["title"])
    else:
        messages.error(request, _("The title was not changed: it needs 1 to 120 characters."))
    return redirect(_history_left(request) or reverse("assistants:conversation", args=[found.id]))


@requires("conversation:edit")
@require_POST
def classification(request: SignedInRequest, conversation_id: int) -> HttpResponse:
    found = get_or_404(request.principal, "conversation:edit", Conversation, id=conversation_id)
    form = ClassForm(request.POST)
    if form.is_valid() and form.cleaned_data["data_class"]:
        actions.classify_conversation(request.principal, found, form.cleaned_data["data_class"])
        messages.info(request, _("From the next question on, models that may not read such data are left aside."))
    return redirect(_history_left(request) or reverse("assistants:conversation", args=[found.id]))


@requires("conversation:edit")
@require_POST
def delete(request: SignedInRequest, conversation_id: int) -> HttpResponse:
    found = get_or_404(request.principal, "conversation:edit", Conversation, id=conversation_id)
    for turn_id in actions.delete_conversation(request.principal, found):
        jobs.stop(turn_id)
    messages.info(request, _("“%(title)s” is deleted, with its answers.") % {"title": found.title})
    return redirect(_history_left(request) or reverse("assistants:history"))


@requires("conversation:view")
@require_GET
def export_markdown(request: SignedInRequest, conversation_id: int) -> HttpResponse:
    found = get_or_404(request.principal, "conversation:view", Conversation, id=conversation_id)
    content = export.to_markdown(exported(found, request.principal, timezone.now()))
    record_export(request.principal, f"conversation:{found.id}", what="conversation", kind="md")
    return _file(content, "text/markdown; charset=utf-8", export.file_name(found.title, "md"))


@requires("conversation:view")
@require_GET
def export_pdf(request: SignedInRequest, conversation_id: int) -> HttpResponse:
    found = get_or_404(request.principal, "conversation:view", Conversation, id=conversation_id)
    content = export.to_pdf(exported(found, request.principal, timezone.now()))
    record_export(request.principal, f"conversation:{found.id}", what="conversation", kind="pdf")
    return _file(content, "application/pdf", export.file_name(found.title, "pdf"))


@requires("corpus:create")
@editing
def course_new(request: SignedInRequest) -> HttpResponse:
    form = CorpusForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        corpus, _assistant = actions.create_course(request.principal, **form.cleaned_data)
        return redirect("corpora:detail", corpus.id)
    courses = reverse("corpora:list")
    context = {"form": form, "corpus": None, "list_url": courses, "cancel_url": courses}
    return render(request, "corpora/form.html", context, status=422 if form.is_bound else 200)


@requires("corpus:view")
@require_GET
def try_course(request: SignedInRequest, corpus_id: int) -> HttpResponse:
    corpus = get_or_404(request.principal, "corpus:view", Corpus, id=corpus_id)
    found = Assistant.objects.visible_to(request.principal).filter(corpora=corpus).order_by("id").first()
    if found is None:
        raise Http404
    return redirect("assistants:assistant", found.id)


@requires("corpus:edit")
@editing
def settings(request: SignedInRequest, assistant_id: int) -> HttpResponse:
    found = get_or_404(request.principal, "corpus:edit", Assistant, id=assistant_id)
    form = AssistantForm(request.POST or None, principal=request.principal, instance=found)
    if request.method == "POST" and form.is_valid():
        actions.edit_assistant(request.principal, found, form.values)
        messages.info(request, _("%(name)s is saved.") % {"name": found.name})
        return redirect("assistants:assistant", found.id)
    context = {"form": form, "assistant": {"name": found.name, "url": reverse("assistants:assistant", args=[found.id])}}
    return render(request, "assistants/settings.html", context, status=422 if form.is_bound else 200)


def _ask(request: SignedInRequest, assistant: Assistant, conversation: Conversation | None) -> HttpResponse:
    form = QuestionForm(request.POST)
    if not form.is_valid():
        return _refused(request, assistant, conversation, str(form.errors["question"][0]))
    return _begin(request, assistant, form.cleaned_data["question"], conversation)


def _ask_again(request: SignedInRequest, turn_id: int, *, quotes_only: bool) -> HttpResponse:
    found = get_or_404(request.principal, "conversation:edit", Turn, id=turn_id)
    conversation = found.conversation
    return _begin(request, conversation.assistant, found.question, conversation, quotes_only=quotes_only)


def _begin(
    request: SignedInRequest,
    assistant: Assistant,
    question: str,
    conversation: Conversation | None,
    *,
    quotes_only: bool = False,
) -> HttpResponse:
    said = ClassForm(request.POST)
    data_class = said.cleaned_data["data_class"] if said.is_valid() else DataClass.SENSITIVE  # not understood: the most
    if find(request.principal, "assistant:use", Assistant, id=assistant.id) is None:
        sentence = _("This assistant is no longer shared with you. Your conversation is kept.")
        return _refused(request, assistant, conversation, sentence)
    try:
        pace.take(request.principal)
        turn = actions.ask(
            request.principal,
            assistant,
            question,
            conversation=conversation,
            quotes_only=quotes_only,
            data_class=data_class,
        )
    except pace.TooFastError as error:
        sentence = ngettext("Ask again in %(count)d second.", "Ask again in %(count)d seconds.", error.seconds)
        response = _refused(request, assistant, conversation, sentence % {"count": error.seconds}, draft=question)
        response.status_code = response.status_code if request.headers.get("HX-Request") else 429
        response.headers["Retry-After"] = str(error.seconds)
        return response
    except actions.CourseForbidsError:
        return _refused(request, assistant, conversation, str(COURSE_FORBIDS))
    except actions.StillAnsweringError:
        sentence = _("The previous answer is still being written. Wait for it, or stop it.")
        return _refused(request, assistant, conversation, sentence, draft=question, passing=True)
    jobs.start(turn)
    return _begun(request, turn, is_new=conversation is None)


def _begun(request: SignedInRequest, turn: Turn, *, is_new: bool) -> HttpResponse:
    """A script reads the stream; without one, the page comes when the answer is written."""
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Redirect": _place(turn)}) if is_new else _turn(request, turn)
    release_connection()  # nothing is read while it waits
    jobs.wait(turn.id, WAIT_SECONDS)
    return redirect(_place(turn))


def _refused(
    request: SignedInRequest,
    assistant: Assistant,
    conversation: Conversation | None,
    sentence: str,
    draft: str | None = None,
    *,
    passing: bool = False,
) -> HttpResponse:
    """The page again, with the question kept. htmx swaps no error by itself: it is told where. A `passing` one is true only
    until the answer being written ends."""
    draft = request.POST.get("question", "") if draft is None else draft
    response = _page(request, assistant, conversation, error=sentence, draft=draft, passing=passing)
    if request.headers.get("HX-Request"):
        for name, value in (("HX-Retarget", "#main"), ("HX-Reselect", "#main"), ("HX-Reswap", "outerHTML")):
            response.headers[name] = value
    else:
        response.status_code = 422
    return response


def _page(
    request: SignedInRequest,
    assistant: Assistant,
    conversation: Conversation | None,
    *,
    error: str = "",
    draft: str = "",
    passing: bool = False,
) -> HttpResponse:
    turns = turns_shown(_turns(conversation), request.principal, timezone.now()) if conversation else []
    address = _address(assistant, conversation)
    context = {
        "assistant": _card(request, assistant),
        "conversation": _row(request, conversation) if conversation else None,
        "turns": turns,
        "source": conversation
        and source_shown(conversation, turns, request.principal, request.GET.get("citation", ""), request.GET.get("page", "")),
        "composer": {
            "url": address,
            "draft": draft,
            "error": error,
            "passing": passing,
            "classes": [] if conversation else _classes(request.profile.institution.data_class)[1:],
        },
        "suggestions": [] if conversation else assistant.first_questions(),
        **_course_rules(request, assistant),
    }
    return render(request, "assistants/assistant.html", context)


def _course_rules(request: SignedInRequest, assistant: Assistant) -> dict[str, object]:
    """What the teachers of its courses said about AI, and what of it holds for the reader."""
    rules = CourseRule.objects.visible_to(request.principal).filter(corpus__assistants=assistant).select_related("corpus")
    use = actions.ai_use(request.principal, assistant)
    return {"rules": rules, "is_closed": use == Use.FORBIDDEN, "is_traced": use == Use.TRACED}


def _turn(request: SignedInRequest, turn: Turn) -> HttpResponse:
    turn.refresh_from_db()  # its writer may already be ahead
    shown = turns_shown([turn], request.principal, timezone.now())[0]
    composer = {"url": reverse("assistants:conversation", args=[turn.conversation_id])}
    return render(request, "assistants/assistant.html#turn", {"turn": shown, "composer": composer})


async def _events(request: SignedInRequest, turn_id: int, after: int) -> AsyncIterator[bytes]:
    await sync_to_async(release_connection)()  # that of the request: a stream may last, and reads the log with others
    language = translation.get_language() or "fr"

    def read(after: int) -> tuple[bytes, int, bool]:
        with translation.override(language), within(request.principal.institution_id):  # the request's own has ended
            return messages_since(after, turn_id, request.principal, timezone.now())

    yield b"retry: 1000\n\n"
    async for fragment in jobs.follow(turn_id, read, after, HEARTBEAT_SECONDS):
        yield fragment or b": still here\n\n"


def _after(request: HttpRequest) -> int:
    """The latest event the reader has: the browser's header, or what a test or a script writes in the address."""
    given = request.headers.get("Last-Event-ID") or request.GET.get("apres") or "0"
    return int(given) if given.isascii() and given.isdigit() and len(given) < 10 else 0


def _turns(conversation: Conversation) -> list[Turn]:
    return list(conversation.turns.order_by("number").prefetch_related("signals"))


def _place(turn: Turn) -> str:
    return f"{reverse('assistants:conversation', args=[turn.conversation_id])}#turn-{turn.id}"


def _address(assistant: Assistant, conversation: Conversation | None) -> str:
    if conversation:
        return reverse("assistants:conversation", args=[conversation.id])
    return reverse("assistants:assistant", args=[assistant.id])


def _card(request: SignedInRequest, assistant: Assistant) -> dict[str, object]:
    readable = Corpus.objects.visible_to(request.principal).filter(assistants=assistant).order_by()
    documents = Document.objects.visible_to(request.principal).filter(corpus__in=readable)
    read = list(documents.filter(state=DocumentState.INDEXED).only("media_type", "pages_total"))
    own = Corpus.objects.editable_by(request.principal).filter(assistants=assistant).order_by("id").first()
    editable = Assistant.objects.editable_by(request.principal).filter(id=assistant.id).exists()
    owner = assistant.owner.person
    return {
        "name": assistant.name,
        "description": assistant.description,
        "purpose": assistant.get_purpose_display(),
        "url": reverse("assistants:assistant", args=[assistant.id]),
        "owner": owner.display_name if owner.id != request.principal.person_id else "",
        "document_count": len(read),
        "waiting_count": 0 if read else documents.filter(state__in=WAITING).count(),
        "length": length_words(read),
        "course_url": reverse("corpora:detail", args=[own.id]) if own else "",
        "settings_url": reverse("assistants:settings", args=[assistant.id]) if editable else "",
    }


def _row(request: SignedInRequest, conversation: Conversation) -> dict[str, object]:
    return {
        "id": conversation.id,
        "title": conversation.title,
        "url": reverse("assistants:conversation", args=[conversation.id]),
        "assistant_name": conversation.assistant.name,
        "updated_at": conversation.updated_at,
        "data_class": conversation.data_class,
        "classes": _classes(conversation.data_class or request.profile.institution.data_class),
        "classification_url": reverse("assistants:classification", args=[conversation.id]),
        "rename_url": reverse("assistants:rename", args=[conversation.id]),
        "delete_url": reverse("assistants:delete", args=[conversation.id]),
        "markdown_url": reverse("assistants:export_markdown", args=[conversation.id]),
        "pdf_url": reverse("assistants:export_pdf", args=[conversation.id]),
    }


def _classes(least: str) -> list[tuple[str, str]]:
    """What a conversation may be said to be: no less than it is."""
    return [(one, str(DataClass(one).label)) for one in DATA_CLASSES[DATA_CLASSES.index(least) :]]


def _history_left(request: HttpRequest) -> str:
    """The list as it was being looked at, with its search and its page; "" for who comes from elsewhere."""
    if "history" not in request.POST:
        return ""
    kept = QueryDict(request.POST["history"], mutable=True)
    wanted = {name: kept[name] for name in ("q", "page") if kept.get(name)}
    return f"{reverse('assistants:history')}?{urlencode(wanted)}" if wanted else reverse("assistants:history")


def _file(content: str | bytes, content_type: str, name: str) -> HttpResponse:
    return HttpResponse(content, content_type=content_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})
