"""Answers cause no request, as a browser reads them and with no policy to hold it back."""

from __future__ import annotations

from playwright.sync_api import Browser

from parvis.web.rendering import render_answer
from parvis.web.tests.hostile import AWAY, PAYLOADS


def test_hostile_answers_ask_nothing_and_run_nothing(browser: Browser) -> None:
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: asked.append(dialog.message))
    page.set_content("<!doctype html><main>" + "".join(render_answer(payload) for payload in PAYLOADS) + "</main>")
    page.mouse.move(200, 200)
    page.wait_for_timeout(500)
    assert asked == []
    assert page.locator("a, img, image, use, script, style, [href], [src], [style], [onerror], [onload]").count() == 0
    page.close()


def test_the_same_answers_unrendered_do_ask(browser: Browser) -> None:
    """Otherwise the test above would prove nothing."""
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.route("**/*", lambda route: route.abort())
    page.set_content(f"<!doctype html><img src={AWAY}x.png>")
    page.wait_for_timeout(300)
    assert asked == [f"{AWAY}x.png"]
    page.close()
