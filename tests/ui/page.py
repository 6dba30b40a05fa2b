"""The chat page as a person uses it: by what is written on it, not by how it is made."""

from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Locator, Page, Request, expect

# Loading a resource fails for a good reason where a test makes the server refuse.
EXPECTED = "Failed to load resource"


class ChatPage:
    """A page of the server at `url`; `problems` holds what it must not do."""

    def __init__(self, page: Page, url: str, korean: bool = False) -> None:
        self.browser = page
        self._korean = korean
        self.url = url
        self.problems: list[str] = []
        page.on("request", self._look_at)
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        page.add_init_script(
            "addEventListener('securitypolicyviolation', (event) =>"
            " console.error('policy: ' + event.violatedDirective + ' ' + event.blockedURI))"
        )

    def _look_at(self, request: Request) -> None:
        place = urlsplit(request.url)
        if place.scheme != "blob" and f"{place.scheme}://{place.netloc}" != self.url:
            self.problems.append(f"request: {request.url}")

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and EXPECTED not in message.text:
            self.problems.append(f"console: {message.text}")

    def goto(self, address: str = "") -> None:
        """Open the page, at a conversation if `address` says so."""
        self.browser.goto(f"{self.url}/ui{address}")
        expect(self.box).to_be_visible()

    @property
    def box(self) -> Locator:
        """Where one writes."""
        name = "메시지" if self._korean else "Your message"
        return self.browser.get_by_role("textbox", name=name)

    @property
    def answers(self) -> Locator:
        """Those that are shown, the one on its way too."""
        return self.browser.get_by_role("article", name="Answer")

    @property
    def questions(self) -> Locator:
        """Messages of the person."""
        return self.browser.get_by_role("article", name="You")

    @property
    def titles(self) -> Locator:
        """Conversations of the list."""
        return self.browser.locator("nav li a")

    def button(self, name: str) -> Locator:
        """By the name that a screen reader tells."""
        return self.browser.get_by_role("button", name=name, exact=True)

    def send(self, text: str) -> None:
        """Type and press Enter."""
        self.box.fill(text)
        self.box.press("Enter")

    def ask(self, text: str) -> Locator:
        """Send, and wait for the whole answer, the last one."""
        before = self.answers.count()
        self.send(text)
        expect(self.answers).to_have_count(before + 1)
        self.settled()
        return self.answers.last

    def settled(self) -> None:
        """Until nothing is written any more."""
        expect(self.answers.last.get_by_role("button", name="Answer anew")).to_be_enabled()
        expect(self.button("Stop")).to_have_count(0)

    def act(self, title: str, action: str) -> None:
        """Choose something in a conversation's menu."""
        self.button(f"Actions for “{title}”").click()
        self.browser.get_by_role("menuitem", name=action).click()
