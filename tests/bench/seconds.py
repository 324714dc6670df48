#!/usr/bin/env python3
"""Print the processor time, user and system, that a command took, in seconds.

    seconds.py COMMAND [ARGUMENT...]
"""
import resource
import subprocess
import sys


def spent():
    r = resource.getrusage(resource.RUSAGE_CHILDREN)
    return r.ru_utime + r.ru_stime


before = spent()  # what started this Python may count too
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print("%.4f" % (spent() - before))
