"""`python -m infrastructure.local run|story|clock|clean`, what `make` calls."""

import argparse
import os
import sys
import traceback
from pathlib import Path

from infrastructure.local import clock, hub, story
from infrastructure.local.console import HubError, Stopped, say
from infrastructure.local.entrances import Entrances
from infrastructure.local.place import ROOT, Place

PORT = 4566


def main() -> int:
    options = parse()
    place = Place(options.directory.resolve())
    os.environ["NO_PROXY"] = "127.0.0.1"
    try:
        if options.verb == "run":
            hub.run(place, options.port, fresh=options.fresh)
        elif options.verb == "story":
            story.play(Entrances(hub.running(place)))
        elif options.verb == "clean":
            hub.clean(place)
        else:
            clock.shift(hub.running(place), options.offset)
    except HubError as error:
        print(f"throughline: {error}", file=sys.stderr)
        return 1
    except Stopped as stopped:
        if stopped.failure:
            print(f"throughline: {stopped.failure}; see {place.directory}/*.log", file=sys.stderr)
            return 1
        say("Stopped; nothing is left running.")
    except Exception as error:
        place.failure_log.write_text(traceback.format_exc())
        print(f"throughline: {error!r}; see {place.failure_log}", file=sys.stderr)
        return 1
    return 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infrastructure.local")
    parser.add_argument("--directory", type=Path, default=ROOT / ".local", help="the hub's own")
    verbs = parser.add_subparsers(dest="verb", required=True)
    run = verbs.add_parser("run", help="run a hub until Ctrl-C")
    run.add_argument(
        "--port", type=int, default=PORT, help="the engine's; the next one is taken too"
    )
    run.add_argument("--fresh", action="store_true", help="forget the data of earlier runs")
    verbs.add_parser("story", help="play the story on the running hub")
    verbs.add_parser("clean", help="delete what the hub keeps")
    shift = verbs.add_parser("clock", help="shift the running hub's clock")
    shift.add_argument("offset", help="such as +8h; empty for the real time")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
