#include "bgpd/cli/terminal.h"

#include <histedit.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "bgpd/cli/complete.h"
#include "bgpd/cli/words.h"

#define HISTORY_LINES 1000

/* editline's callbacks carry one pointer, the EditLine's own; signal handlers carry none. */
static volatile sig_atomic_t was_interrupted;

struct terminal {
    struct shell *shell;
    EditLine *editor;
    History *history;
    char prompt[300];
};

static void on_interrupt(int number)
{
    (void)number;
    was_interrupted = 1;
}

static char *prompt_make(EditLine *editor)
{
    struct terminal *terminal;
    el_get(editor, EL_CLIENTDATA, &terminal);
    struct shell *shell = terminal->shell;
    const char *host = shell->connection != NULL ? connection_hostname(shell->connection) : "";
    char own[256] = "sealane";
    if (host[0] == '\0' && gethostname(own, sizeof own - 1) == 0) {
        own[strcspn(own, ".")] = '\0';
    }
    snprintf(terminal->prompt, sizeof terminal->prompt, "%s%c ", host[0] != '\0' ? host : own,
             shell->is_enabled ? '#' : '>');
    shell->prompt_width = strlen(terminal->prompt);
    return terminal->prompt;
}

/* ---- Names of the daemon ---- */

struct name_list {
    char (*out)[COMPLETE_WORD_BYTES];
    size_t count;
    size_t max;
};

static bool on_names(void *context, const Control__Answer *answer)
{
    struct name_list *list = context;
    for (size_t i = 0; i < answer->n_neighbors && list->count < list->max; i++) {
        char text[WORDS_ADDR_BYTES];
        snprintf(list->out[list->count++], COMPLETE_WORD_BYTES, "%s",
                 words_addr(&answer->neighbors[i]->addr, text));
    }
    for (size_t i = 0; i < answer->n_tunnels && list->count < list->max; i++) {
        snprintf(list->out[list->count++], COMPLETE_WORD_BYTES, "%.*s",
                 (int)COMPLETE_WORD_BYTES - 1, answer->tunnels[i]->name);
    }
    return true;
}

static size_t ask_names(void *context, enum grammar_arg arg, char (*out)[COMPLETE_WORD_BYTES],
                        size_t max)
{
    struct shell *shell = context;
    struct name_list list = {out, 0, max};
    struct request_box box;
    struct connection_status status;
    char error[CONNECTION_ERROR_BYTES];
    if (shell->connection == NULL) {
        return 0;
    }
    control__request__init(&box.request);
    if (arg == ARG_TUNNEL) {
        control__tunnels_request__init(&box.tunnels);
        box.request.kind_case = CONTROL__REQUEST__KIND_TUNNELS;
        box.request.tunnels = &box.tunnels;
    } else {
        control__neighbors_request__init(&box.neighbors);
        box.request.kind_case = CONTROL__REQUEST__KIND_NEIGHBORS;
        box.request.neighbors = &box.neighbors;
    }
    if (connection_ask(shell->connection, &box.request, on_names, &list, NULL, &status, error) !=
        CONNECTION_OK) {
        connection_free(shell->connection);
        shell->connection = NULL;
    }
    return list.count;
}

/* ---- Keys ---- */

static void text_left(EditLine *editor, char out[LINE_BYTES_MAX])
{
    const LineInfo *info = el_line(editor);
    size_t size = (size_t)(info->cursor - info->buffer);
    size = size < LINE_BYTES_MAX - 1 ? size : LINE_BYTES_MAX - 1;
    memcpy(out, info->buffer, size);
    out[size] = '\0';
}

static unsigned char on_help_key(EditLine *editor, int key)
{
    struct terminal *terminal;
    char text[LINE_BYTES_MAX];
    struct buffer help;
    (void)key;
    el_get(editor, EL_CLIENTDATA, &terminal);
    struct complete_source source = {terminal->shell, ask_names};
    buffer_init(&help, MEM_IO);
    text_left(editor, text);
    complete_help(terminal->shell->grammar, text, &source, &help);
    printf("?\n%s", buffer_text(&help));
    fflush(stdout);
    buffer_fini(&help);
    return CC_REDISPLAY;
}

static void list_words(const struct completions *found)
{
    putchar('\n');
    for (size_t i = 0; i < found->count; i++) {
        printf("%-20s%s", found->words[i], i % 4 == 3 || i + 1 == found->count ? "\n" : "");
    }
    fflush(stdout);
}

static unsigned char on_tab_key(EditLine *editor, int key)
{
    static struct completions found; /* 16 KB, one terminal */
    struct terminal *terminal;
    char text[LINE_BYTES_MAX];
    char insert[COMPLETE_WORD_BYTES + 2];
    (void)key;
    el_get(editor, EL_CLIENTDATA, &terminal);
    struct complete_source source = {terminal->shell, ask_names};
    text_left(editor, text);
    complete_words(terminal->shell->grammar, text, &source, &found);
    if (found.count == 0) {
        return CC_ERROR;
    }
    if (found.common_bytes > found.begun_bytes || found.count == 1) {
        snprintf(insert, sizeof insert, "%.*s%s", (int)(found.common_bytes - found.begun_bytes),
                 found.words[0] + found.begun_bytes, found.count == 1 ? " " : "");
        return el_insertstr(editor, insert) == 0 ? CC_REFRESH : CC_ERROR;
    }
    list_words(&found);
    return CC_REDISPLAY;
}

/* ---- The loop ---- */

static void measure(struct shell *shell)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 2) {
        shell->page_rows = size.ws_row - 1u;
    }
}

static bool terminal_open(struct terminal *terminal)
{
    HistEvent event;
    terminal->editor = el_init("sealane", stdin, stdout, stderr);
    terminal->history = history_init();
    if (terminal->editor == NULL || terminal->history == NULL) {
        return false;
    }
    history(terminal->history, &event, H_SETSIZE, HISTORY_LINES);
    history(terminal->history, &event, H_SETUNIQUE, 1);
    el_set(terminal->editor, EL_CLIENTDATA, terminal);
    el_set(terminal->editor, EL_PROMPT, prompt_make);
    el_set(terminal->editor, EL_EDITOR, "emacs");
    el_set(terminal->editor, EL_SIGNAL, 1);
    el_set(terminal->editor, EL_HIST, history, terminal->history);
    el_set(terminal->editor, EL_ADDFN, "sealane-help", "Lists what may follow", on_help_key);
    el_set(terminal->editor, EL_ADDFN, "sealane-complete", "Completes a word", on_tab_key);
    el_set(terminal->editor, EL_BIND, "?", "sealane-help", NULL);
    el_set(terminal->editor, EL_BIND, "^I", "sealane-complete", NULL);
    el_set(terminal->editor, EL_BIND, "^R", "em-inc-search-prev", NULL);
    return true;
}

static void terminal_close(struct terminal *terminal)
{
    if (terminal->editor != NULL) {
        el_end(terminal->editor);
    }
    if (terminal->history != NULL) {
        history_end(terminal->history);
    }
}

int terminal_run(struct shell *shell)
{
    struct terminal terminal = {.shell = shell};
    struct sigaction action = {.sa_handler = on_interrupt};
    HistEvent event;
    int size;
    const char *line;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    shell->interrupted = &was_interrupted;
    shell->is_interactive = true;
    shell->is_enabled = false;
    measure(shell);
    if (!shell_connect(shell)) {
        return SHELL_CONNECTION_ERROR;
    }
    if (!terminal_open(&terminal)) {
        terminal_close(&terminal);
        fprintf(stderr, "sealane: this terminal cannot be used\n");
        return SHELL_COMMAND_ERROR;
    }
    while (!shell->wants_exit) {
        was_interrupted = 0;
        line = el_gets(terminal.editor, &size);
        if (line == NULL || size <= 0) {
            if (was_interrupted != 0) {
                el_reset(terminal.editor);
                putchar('\n');
                continue;
            }
            putchar('\n');
            break;
        }
        if (line[strspn(line, " \t\r\n")] != '\0') {
            history(terminal.history, &event, H_ENTER, line);
        }
        was_interrupted = 0;
        shell_run(shell, line);
    }
    terminal_close(&terminal);
    return SHELL_OK;
}
