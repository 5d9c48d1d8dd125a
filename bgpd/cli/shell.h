/* Runs lines: grammar, pipes, requests, rendering, exit codes. Interactive use is in terminal.h. */
#ifndef BGPD_CLI_SHELL_H
#define BGPD_CLI_SHELL_H

#include <signal.h>

#include "bgpd/cli/commands.h"

enum shell_code {
    SHELL_OK = 0,
    SHELL_COMMAND_ERROR = 1,
    SHELL_CONNECTION_ERROR = 2,
};

struct shell {
    const char *socket_path;
    struct grammar *grammar;
    struct connection *connection; /* NULL until the first request, and after a loss */
    bool is_json;                  /* -j: JSON wherever a command has it */
    bool is_interactive;
    bool is_enabled;
    bool wants_exit;
    unsigned page_rows;  /* of the terminal; 0: no pager */
    size_t prompt_width; /* for carets; interactive only */
    int out_fd;
    int error_fd;
    const volatile sig_atomic_t *interrupted;
};

void shell_init(struct shell *shell, const char *socket_path);
void shell_fini(struct shell *shell);

/* One line with its pipes. Says on error_fd what is wrong with it. */
enum shell_code shell_run(struct shell *shell, const char *text);

/* Connects when that is not done. Writes a message and returns false when it fails. */
bool shell_connect(struct shell *shell);

#endif
