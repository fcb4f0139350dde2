"""What one worker process holds while it serves: stores, model, counters."""

from __future__ import annotations

import contextlib
import gc
import logging
import threading
from typing import TYPE_CHECKING

from headrace.access import bound_host, open_gate, warn_if_open
from headrace.declaration.serving import OnFailure
from headrace.errors import ConfigError, HeadraceError, LogUnavailable, WindowsUnavailable
from headrace.live import open_windows
from headrace.prediction_log import PredictionLog, open_store, read_keys
from headrace.service.answering import Answering
from headrace.service.contents import HISTORY
from headrace.service.predictor import Predictor
from headrace.service.warming import warm

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from headrace.access import Gate
    from headrace.service.contents import Contents
    from headrace.service.settings import Settings

SECONDS_BETWEEN_LOOKS = 1.0
FEW_COLLECTIONS = (50_000, 20, 100)
"""The garbage collector's thresholds: it looks through the youngest objects after so many new ones, through older ones
after so many looks at the younger."""
UP, COLD, BARE, DOWN = "ok", "being filled", "cannot be filled", "unavailable"
_logger = logging.getLogger(__name__)


def check_stores(contents: Contents, settings: Settings) -> None:
    """Raise what would keep a worker from starting, and is not going to pass by itself.

    Raises:
        ConfigError, LogError: Keys, tokens or a store are not what they should be.
        WindowsUnavailable: The file of the windows cannot be opened, as where the disk is full.
    """
    _make_state(settings.state)
    open_gate(settings.access, settings.access.token_file, workers=1)
    keys = read_keys(settings.log.keys, settings.log.key_file)
    with contextlib.suppress(LogUnavailable):
        open_store(settings.log.url, keys, contents.pipeline).close()
    open_windows(settings.windows.url, contents).close()


def _make_state(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"HEADRACE_STATE: {folder} cannot be made: {error.strerror}") from error


class Worker:
    """Opens what a pipeline's service needs, says whether it is ready, and closes it.

    Args:
        folder: The package.
        contents: What `read_contents` says of it.
        settings: What the service was told.
        workers: How many of them answer.
    """

    def __init__(self, folder: Path, contents: Contents, settings: Settings, workers: int) -> None:
        self.contents, self.settings = contents, settings
        self._folder, self._workers = folder, workers
        self._windows = COLD
        self._were_up = self._refilling = False
        self._closing = threading.Event()

    def open(self) -> None:
        """Open stores and load the model; windows that are cold are filled meanwhile.

        Raises:
            ConfigError, IntegrityError, LogError: Something cannot be opened, and will not be later.
        """
        from headrace.service.metrics import Metrics  # BentoML says where metrics go before workers start

        settings, contents = self.settings, self.contents
        _make_state(settings.state)
        self.live = open_windows(settings.windows.url, contents, filled_with=contents.files.get(HISTORY))
        self.predictor = Predictor(self._folder, contents, self.live, settings.windows.on_failure)
        keys = read_keys(settings.log.keys, settings.log.key_file)
        self.log = PredictionLog(settings.log.url, keys, contents.pipeline)
        self.metrics = Metrics(contents, settings.variant, self.predictor.manifest)
        self._answering = Answering(
            contents, settings, predictor=self.predictor, log=self.log, live=self.live, metrics=self.metrics
        )
        self._notice_filled()
        threading.Thread(target=self._look_after, name="looking-after", daemon=True).start()
        # What was loaded stays: nobody need look through it for garbage.
        gc.freeze()
        # The rows of a batch are no garbage either: at Python's own thresholds they are looked through over and over.
        gc.set_threshold(*FEW_COLLECTIONS)

    def open_gate(self) -> Gate:
        """Open the gate, and say loudly where it is open to all."""
        self.gate = open_gate(self.settings.access, self.settings.access.token_file, self._workers)
        if not self.settings.access.enabled:
            warn_if_open(bound_host())
        return self.gate

    def close(self) -> None:
        """Write what waits to be logged, and let go of everything."""
        self._closing.set()
        self.log.close()
        self.live.close()
        # LightGBM and LMDB have ends of their own to come to.
        gc.unfreeze()

    @property
    def answering(self) -> Answering:
        """What answers requests.

        Raises:
            WindowsUnavailable: Windows are away, or do not look back on the whole history.
        """
        if not self._windows_serve:
            raise WindowsUnavailable(f"the entity windows: {self._windows}")
        return self._answering

    def states(self) -> dict[str, str]:
        """Return how each store is, in a word or two."""
        return {"windows": self._windows, "prediction_log": UP if self.log.up else DOWN}

    def is_ready(self) -> bool:
        """Return whether requests are answered, as is declared for stores that are away."""
        log_serves = self.log.up or self.settings.log.on_failure is OnFailure.serve
        return log_serves and self._windows_serve

    def _look_after(self) -> None:
        """Fill windows that are cold, and look at the stores from time to time."""
        said: dict[Callable[[], None], str] = {}
        looks = (self._look_at_windows, self.log.look, self._tell_metrics)
        while not self._closing.is_set():
            for look in looks:
                try:
                    look()
                    said.pop(look, None)
                except Exception as error:  # nobody else would say so, and the next look may find it gone
                    if not self._closing.is_set() and str(error) != said.get(look):
                        unexpected = not isinstance(error, HeadraceError)
                        _logger.error("%s", error, exc_info=unexpected)  # noqa: TRY400  else a line is enough
                    said[look] = str(error)
            self._closing.wait(SECONDS_BETWEEN_LOOKS)

    def _look_at_windows(self) -> None:
        try:
            if not self._is_warm():  # at the start; and a Redis may come back without what it had
                if self._were_up and not self._refilling:
                    _logger.warning("the windows came back empty: they are filled from the history in the package")
                    self._refilling = True
                self._windows = BARE if self._windows == BARE else COLD
                warm(self._folder, self.contents, self.live)
            self.live.check()
        except WindowsUnavailable:
            self._windows = DOWN
            raise
        except Exception:
            self._windows = BARE
            raise
        self._windows_are_up()

    def _windows_are_up(self) -> None:
        if self._windows != UP and self._were_up:
            _logger.warning("the windows are filled and can be reached again")
        self._windows, self._were_up, self._refilling = UP, True, False

    def _tell_metrics(self) -> None:
        self.metrics.look(self.log, self.gate, self.predictor, windows_up=self._windows == UP, ready=self.is_ready())

    def _is_warm(self) -> bool:
        files = self.contents.files
        return HISTORY not in files or self.live.is_warm(files[HISTORY])

    def _notice_filled(self) -> None:
        """See at once where another worker has filled the windows: that one says that the service is ready."""
        with contextlib.suppress(WindowsUnavailable):
            if self._is_warm():
                self._windows_are_up()

    @property
    def _windows_serve(self) -> bool:
        if self._windows in {COLD, BARE}:
            self._notice_filled()
        if self._windows == UP:
            return True
        # At the start nothing is answered before windows are filled: what comes back empty is away, as far as it goes.
        away = self._windows == DOWN or self._were_up
        return away and self.settings.windows.on_failure is OnFailure.serve
