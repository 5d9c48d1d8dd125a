/* The shell on a terminal: prompt, line editing, history, `?`, TAB. */
#ifndef BGPD_CLI_TERMINAL_H
#define BGPD_CLI_TERMINAL_H

#include "bgpd/cli/shell.h"

/* Until exit or the end of input. Returns the exit code of the program. */
int terminal_run(struct shell *shell);

#endif
