"""ExaBGP's helper process: commands from a FIFO out, JSON events into a file."""

import os
import sys
import threading


def commands(path):
    # Open for writing too: with no writer left there would be an end to close and
    # open again after, and what somebody writes in between would be lost.
    with open(os.open(path, os.O_RDWR), encoding="utf-8") as fifo:
        for line in fifo:
            sys.stdout.write(line)
            sys.stdout.flush()


def main():
    fifo, log = sys.argv[1:3]
    threading.Thread(target=commands, args=(fifo,), daemon=True).start()
    with open(log, "a", encoding="utf-8") as file:
        for line in sys.stdin:
            file.write(line)
            file.flush()
            if os.getppid() == 1:
                return


if __name__ == "__main__":
    main()
