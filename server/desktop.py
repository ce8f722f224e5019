"""The pet: a transparent window without a frame, always on top, around the page of a server (PySide6)."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QSettings, Qt, QTimer, QUrl, QUrlQuery, Signal
from PySide6.QtGui import QAction, QCursor, QGuiApplication, QIcon, QKeySequence
from PySide6.QtWebEngineCore import QWebEnginePage, QWebEnginePermission, QWebEngineProfile, QWebEngineSettings
from PySide6.QtWebEngineWidgets import QWebEngineView
from PySide6.QtWidgets import QApplication, QMenu, QSystemTrayIcon

ICON = Path(__file__).parent / "web" / "icon.svg"
WIDTH = 0.8  # of the height
SMALLEST, USUAL, LARGEST = 120, 420, 2000  # px, height
STEP = 1.08  # of the size, by one notch of the wheel
AGAIN_MS = 2000  # until a server that was not there is asked again
SIGNALS_MS = 200  # Python sees Ctrl-C only between events


class Pet(QObject):  # type: ignore[misc]
    """The window with its menu, keys and place. `pressed` is told of a hotkey, from whatever thread."""

    pressed = Signal(str)

    def __init__(self, url: QUrl, size: int) -> None:
        super().__init__()
        self._url = url
        self._settings = QSettings(QSettings.Format.IniFormat, QSettings.Scope.UserScope, "vaidol", "pet")
        self._grip: QPoint | None = None  # where in the window the pointer holds it
        self._dragged = False
        self.view = QWebEngineView()
        self._page = QWebEnginePage(QWebEngineProfile("pet", self), self.view)
        self._dress()
        self._place(size)
        self.deeds: dict[str, tuple[str, str, Callable[[], None]]] = {
            "talk": ("Talk or mute", "Ctrl+Alt+T", lambda: self._click("mute")),
            "stop": ("Stop speaking", "Ctrl+Alt+S", lambda: self._click("interrupt")),
            "hide": ("Hide or show", "Ctrl+Alt+H", lambda: self.view.setVisible(not self.view.isVisible())),
            "through": ("Let clicks through", "Ctrl+Alt+C", self._through),
            "quit": ("Quit", "Ctrl+Alt+Q", QApplication.quit),
        }
        self.pressed.connect(lambda name: self.deeds[name][2]())
        self.menu = QMenu()
        for name, (words, keys, _) in self.deeds.items():
            action = QAction(f"{words}\t{keys}", self.menu)
            action.triggered.connect(lambda _=False, name=name: self.pressed.emit(name))
            self.menu.addAction(action)
        self._page.loadFinished.connect(self._loaded)
        self._page.load(url)
        self.view.show()

    def _dress(self) -> None:
        view, page = self.view, self._page
        flags = Qt.WindowType
        view.setWindowFlags(flags.FramelessWindowHint | flags.WindowStaysOnTopHint | flags.Tool)
        view.setAttribute(Qt.WidgetAttribute.WA_TranslucentBackground)
        view.setWindowTitle("vaidol")
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        view.customContextMenuRequested.connect(lambda _: self.menu.popup(QCursor.pos()))
        page.setBackgroundColor(Qt.GlobalColor.transparent)
        page.settings().setAttribute(QWebEngineSettings.WebAttribute.PlaybackRequiresUserGesture, False)
        page.permissionRequested.connect(self._permit)
        view.setPage(page)

    def _permit(self, asked: QWebEnginePermission) -> None:
        """The page that was asked for may hear; it needs no more."""
        ours = asked.origin().authority() == self._url.authority()
        hears = asked.permissionType() == QWebEnginePermission.PermissionType.MediaAudioCapture
        asked.grant() if ours and hears else asked.deny()

    def _place(self, size: int) -> None:
        """Where it was last time, if that is on a screen; else at the lower right."""
        free = QGuiApplication.primaryScreen().availableGeometry()
        was = self._settings.value("place")
        height = size or (was.height() if isinstance(was, QRect) else USUAL)
        spot = QRect(0, 0, round(height * WIDTH), height)
        spot.moveBottomRight(free.bottomRight())
        if isinstance(was, QRect) and any(one.availableGeometry().intersects(was) for one in QGuiApplication.screens()):
            spot.moveTopLeft(was.topLeft())
        self.view.setGeometry(spot)

    def keep_place(self) -> None:
        self._settings.setValue("place", self.view.geometry())
        self._settings.sync()

    def _loaded(self, well: bool) -> None:
        if not well:
            QTimer.singleShot(AGAIN_MS, lambda: self._page.load(self._url))
        inside = self.view.focusProxy()
        if inside is not None:  # what takes the mouse; there is one since the first page
            inside.removeEventFilter(self)
            inside.installEventFilter(self)

    def _click(self, button: str) -> None:
        self._page.runJavaScript(f"document.getElementById('{button}').click()")

    def _through(self) -> None:
        through = not self.view.windowFlags() & Qt.WindowType.WindowTransparentForInput
        spot = self.view.geometry()
        self.view.setWindowFlag(Qt.WindowType.WindowTransparentForInput, through)
        self.view.setGeometry(spot)
        self.view.show()

    def eventFilter(self, _: QObject, event: QEvent) -> bool:  # noqa: N802 (the name Qt gives it)
        """A drag moves the window, the wheel sizes it, and a click is the page's."""
        kind = event.type()
        if kind == QEvent.Type.MouseButtonPress and event.button() == Qt.MouseButton.LeftButton:
            self._grip, self._dragged = event.globalPosition().toPoint() - self.view.pos(), False
        elif kind == QEvent.Type.MouseMove and self._grip is not None:
            return self._drag(event.globalPosition().toPoint() - self._grip)
        elif kind == QEvent.Type.MouseButtonRelease:
            self._grip = None
            if self._dragged:
                self.keep_place()
        elif kind == QEvent.Type.Wheel:
            self._size(STEP if event.angleDelta().y() > 0 else 1 / STEP)
            return True
        return False

    def _drag(self, to: QPoint) -> bool:
        if (to - self.view.pos()).manhattanLength() >= QApplication.startDragDistance():
            self._dragged = True
        if self._dragged:
            self.view.move(to)
        return self._dragged

    def _size(self, factor: float) -> None:
        spot = self.view.geometry()
        height = min(LARGEST, max(SMALLEST, round(spot.height() * factor)))
        feet = spot.bottom()
        spot.setSize(spot.size().scaled(LARGEST, height, Qt.AspectRatioMode.KeepAspectRatio))
        spot.moveBottom(feet)
        self.view.setGeometry(spot)
        self.keep_place()


def show(address: str, token: str, size: int) -> int:
    """Show the pet until it is told to quit; gives the exit code."""
    app = QApplication.instance() or QApplication(sys.argv[:1])
    app.setQuitOnLastWindowClosed(False)
    url = QUrl(address)
    query = QUrlQuery(url)
    query.addQueryItem("pet", "1")
    if token:
        query.addQueryItem("token", token)
    url.setQuery(query)
    pet = Pet(url, size)
    tray = QSystemTrayIcon(QIcon(str(ICON)))
    tray.setContextMenu(pet.menu)
    tray.show()
    keys = _hotkeys(pet)
    signal.signal(signal.SIGINT, lambda *_: app.quit())
    signal.signal(signal.SIGTERM, lambda *_: app.quit())
    awake = QTimer()
    awake.timeout.connect(lambda: None)
    awake.start(SIGNALS_MS)
    try:
        return int(app.exec())
    finally:
        keys()
        pet.keep_place()
        tray.hide()
        pet.view.setPage(None)


def _hotkeys(pet: Pet) -> Callable[[], None]:
    """Listen for the keys everywhere, or, where the desktop does not let us, in the window; gives what ends that."""
    try:
        from pynput import keyboard
    except ImportError:  # not installed, or no such desktop
        for action, (_, keys, _) in zip(pet.menu.actions(), pet.deeds.values(), strict=True):
            action.setShortcut(QKeySequence(keys))
            pet.view.addAction(action)
        return lambda: None
    wanted = {
        keys.lower().replace("ctrl", "<ctrl>").replace("alt", "<alt>"): lambda name=name: pet.pressed.emit(name)
        for name, (_, keys, _) in pet.deeds.items()
    }
    listener = keyboard.GlobalHotKeys(wanted)
    listener.start()
    stop: Callable[[], None] = listener.stop
    return stop
