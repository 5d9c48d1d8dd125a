#include "bgpd/cli/shell.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bgpd/cli/words.h"

void shell_init(struct shell *shell, const char *socket_path)
{
    memset(shell, 0, sizeof *shell);
    shell->socket_path = socket_path;
    shell->grammar = commands_grammar();
    shell->is_enabled = true;
    shell->out_fd = STDOUT_FILENO;
    shell->error_fd = STDERR_FILENO;
}

void shell_fini(struct shell *shell)
{
    connection_free(shell->connection);
    grammar_free(shell->grammar);
}

static void PRINTF_LIKE(2, 3) shell_error(const struct shell *shell, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vdprintf(shell->error_fd, format, arguments);
    va_end(arguments);
}

bool shell_connect(struct shell *shell)
{
    char error[CONNECTION_ERROR_BYTES] = "";
    if (shell->connection == NULL) {
        shell->connection = connection_new(shell->socket_path, error);
    }
    if (shell->connection == NULL) {
        shell_error(shell, "sealane: %s\n", error);
    }
    return shell->connection != NULL;
}

/* ---- Pipes ---- */

struct pipe_options {
    bool wants_json;
    bool no_pager;
};

static enum shell_code pipe_error(struct shell *shell, const char *what, const char *word)
{
    shell_error(shell, "%% %s%s%s\n", what, word[0] != '\0' ? ": " : "", word);
    return SHELL_COMMAND_ERROR;
}

/* One stage, without its bar. */
static enum shell_code pipe_parse(struct shell *shell, struct out *out, char *stage,
                                  struct pipe_options *options)
{
    static const char *const words[] = {"include", "exclude", "begin",  "section",
                                        "count",   "json",    "no-more"};
    enum { PIPE_COUNT = 4, PIPE_JSON, PIPE_NO_MORE, PIPE_WORDS };
    char error[128];
    stage += strspn(stage, " \t");
    size_t size = strcspn(stage, " \t");
    char *argument = stage + size;
    argument += strspn(argument, " \t");
    size_t argument_size = strlen(argument);
    while (argument_size != 0 && strchr(" \t", argument[argument_size - 1]) != NULL) {
        argument[--argument_size] = '\0';
    }
    stage[size] = '\0';
    int found = -1;
    for (int i = 0; i < PIPE_WORDS && size != 0; i++) {
        if (strncmp(words[i], stage, size) == 0) {
            found = i;
            break;
        }
    }
    if (found < 0) {
        return pipe_error(shell, size == 0 ? "Command incomplete." : "Unknown command after |",
                          stage);
    }
    if ((found < PIPE_COUNT) != (argument[0] != '\0')) {
        return pipe_error(shell, found < PIPE_COUNT ? "Command incomplete." : "Unknown command",
                          argument);
    }
    if (found == PIPE_JSON) {
        options->wants_json = true;
    } else if (found == PIPE_NO_MORE) {
        options->no_pager = true;
    } else if (!out_pipe_put(out, (enum out_pipe_kind)found, argument, error)) {
        return pipe_error(shell, "Malformed pattern", error);
    }
    return SHELL_OK;
}

/* Cuts the pipes off line. The first bar ends the command; later ones stand between blanks, so that
 * a pattern may hold alternatives. */
static enum shell_code pipes_parse(struct shell *shell, struct out *out, char *line,
                                   struct pipe_options *options)
{
    char *bar = strchr(line, '|');
    if (bar == NULL) {
        return SHELL_OK;
    }
    *bar = '\0';
    char *stage = bar + 1;
    for (;;) {
        char *next = strstr(stage, " | ");
        if (next != NULL) {
            *next = '\0';
        }
        enum shell_code code = pipe_parse(shell, out, stage, options);
        if (code != SHELL_OK || next == NULL) {
            return code;
        }
        stage = next + 3;
    }
}

/* ---- Mistakes ---- */

static void caret(const struct shell *shell, const char *text, size_t column)
{
    size_t indent = shell->is_interactive ? shell->prompt_width : 0;
    if (!shell->is_interactive) {
        shell_error(shell, "%s\n", text);
    }
    shell_error(shell, "%*s^\n", (int)(indent + column), "");
}

static enum shell_code grammar_error(const struct shell *shell, enum grammar_result result,
                                     const char *text, size_t column,
                                     const struct grammar_candidates *candidates)
{
    switch (result) {
    case GRAMMAR_AMBIGUOUS:
        caret(shell, text, column);
        shell_error(shell, "%% Ambiguous command:");
        for (size_t i = 0; i < candidates->count; i++) {
            shell_error(shell, "%s %s", i == 0 ? "" : ",", candidates->items[i].word);
        }
        shell_error(shell, "\n");
        break;
    case GRAMMAR_UNKNOWN:
        caret(shell, text, column);
        shell_error(shell, "%% Unknown command\n");
        break;
    case GRAMMAR_INCOMPLETE:
        shell_error(shell, "%% Command incomplete.\n");
        break;
    case GRAMMAR_TOO_LONG:
        shell_error(shell, "%% Command too long.\n");
        break;
    case GRAMMAR_OK:
    case GRAMMAR_EMPTY:
        return SHELL_OK;
    }
    return SHELL_COMMAND_ERROR;
}

/* ---- Asking ---- */

struct asking {
    struct render *render;
    const struct view_ops *view;
    bool has_answer;
};

static bool on_answer(void *context, const Control__Answer *answer)
{
    struct asking *asking = context;
    asking->has_answer = true;
    asking->view->answer(asking->render, answer);
    out_breathe(asking->render->out);
    return !asking->render->out->is_stopped;
}

/* A connection that went stale while nobody typed is opened anew, once. */
static enum connection_result ask(struct shell *shell, struct request_box *box,
                                  struct asking *asking, struct connection_status *status,
                                  char error[CONNECTION_ERROR_BYTES])
{
    for (;;) {
        bool is_fresh = shell->connection == NULL;
        if (is_fresh) {
            shell->connection = connection_new(shell->socket_path, error);
        }
        if (shell->connection == NULL) {
            return CONNECTION_LOST;
        }
        enum connection_result result = connection_ask(shell->connection, &box->request, on_answer,
                                                       asking, shell->interrupted, status, error);
        if (result == CONNECTION_OK) {
            return result;
        }
        connection_free(shell->connection);
        shell->connection = NULL;
        bool may_repeat = box->request.kind_case != CONTROL__REQUEST__KIND_CLEAR &&
                          box->request.kind_case != CONTROL__REQUEST__KIND_RELOAD;
        if (result == CONNECTION_STOPPED || is_fresh || asking->has_answer || !may_repeat) {
            return result;
        }
    }
}

/* What the daemon would not do, where the view itself has not said it. */
static void say_status(struct shell *shell, struct render *render, const struct command *command,
                       const struct connection_status *status, bool is_json)
{
    if (render->is_error || status->message[0] == '\0') {
        return;
    }
    if (!is_json) {
        out_finish(render->out);
        shell_error(shell, "%% %s\n", status->message);
    } else if (render->json.depth == 1) {
        json_text(&render->json, "error", status->message);
    } else if (render->json.depth == 0) {
        json_object_begin(&render->json, NULL);
        json_text(&render->json, "schema", command->schema);
        json_text(&render->json, "error", status->message);
        json_object_end(&render->json);
    }
}

/* All requests of a command, rendered into out. */
static enum shell_code run_requests(struct shell *shell, const struct command *command,
                                    const struct command_line *line, struct out *out, bool is_json)
{
    const struct view_ops *view = (is_json ? &render_json : &render_text)->views[command->view];
    struct render render;
    struct asking asking = {&render, view, false};
    enum shell_code code = SHELL_OK;
    char refusal[128] = "";
    bool has_begun = false;
    render_init(&render, out);
    render.line = line;
    render.schema = command->schema;
    render.now_epoch_s = time(NULL);
    for (unsigned i = 0; code == SHELL_OK; i++) {
        struct request_box box;
        struct connection_status status = {.code = CONTROL__STATUS__CODE__OK};
        char error[CONNECTION_ERROR_BYTES] = "";
        control__request__init(&box.request);
        if (!command->request(line, i, &box, refusal)) {
            break;
        }
        render.family = box.family;
        if (!has_begun) {
            view->begin(&render);
            has_begun = true;
        }
        view->request_begin(&render);
        enum connection_result result = ask(shell, &box, &asking, &status, error);
        if (result == CONNECTION_LOST) {
            shell_error(shell, "sealane: %s\n", error);
            code = SHELL_CONNECTION_ERROR;
        } else if (result == CONNECTION_STOPPED) {
            code = SHELL_COMMAND_ERROR;
        } else {
            view->request_end(&render, &status);
            if (status.code != CONTROL__STATUS__CODE__OK) {
                say_status(shell, &render, command, &status, is_json);
                code = SHELL_COMMAND_ERROR;
            }
        }
    }
    if (refusal[0] != '\0') {
        shell_error(shell, "%% %s\n", refusal);
        code = SHELL_COMMAND_ERROR;
    } else if (code != SHELL_CONNECTION_ERROR && has_begun) {
        view->end(&render);
    } else if (!asking.has_answer) {
        out->text.size = 0; /* no half document when there was no answer at all */
    }
    render_fini(&render);
    return code;
}

/* ---- Lines ---- */

static enum shell_code run_local(struct shell *shell, const struct command *command,
                                 const struct command_line *line)
{
    switch (command->local) {
    case LOCAL_ENABLE:
        shell->is_enabled = true;
        return SHELL_OK;
    case LOCAL_DISABLE:
        shell->is_enabled = false;
        return SHELL_OK;
    case LOCAL_EXIT:
        shell->wants_exit = true;
        return SHELL_OK;
    case LOCAL_TERMINAL_LENGTH:
        shell->page_rows = (unsigned)strtoul(line_arg(line, ARG_NUMBER), NULL, 10);
        return SHELL_OK;
    case LOCAL_CONFIGURE:
        shell_error(shell, "Configuration is by file for now: edit /etc/sealane/sealane.conf, then "
                           "type reload.\n");
        return SHELL_COMMAND_ERROR;
    case LOCAL_NONE:
        break;
    }
    return SHELL_OK;
}

/* The same line with json at its end, when it has such a form. */
static void line_as_json(const struct shell *shell, const char *text, struct command_line *line)
{
    char longer[LINE_BYTES_MAX + 8];
    struct command_line other;
    struct grammar_candidates candidates;
    size_t column;
    if (line_has(line, "json")) {
        return;
    }
    snprintf(longer, sizeof longer, "%s json", text);
    if (grammar_parse(shell->grammar, longer, &other, &column, &candidates) == GRAMMAR_OK) {
        /* Arguments point into the line's own storage: parse once more, in place. */
        enum grammar_result result =
            grammar_parse(shell->grammar, longer, line, &column, &candidates);
        (void)result;
    }
}

static enum shell_code run_command(struct shell *shell, const char *text, struct out *out,
                                   const struct pipe_options *options)
{
    struct command_line line;
    struct grammar_candidates candidates;
    size_t column;
    enum grammar_result result = grammar_parse(shell->grammar, text, &line, &column, &candidates);
    if (result != GRAMMAR_OK) {
        return grammar_error(shell, result, text, column, &candidates);
    }
    const struct command *command = &commands[line.command];
    if (command->needs_enable && !shell->is_enabled) {
        shell_error(shell, "%% Not in this mode: type enable first\n");
        return SHELL_COMMAND_ERROR;
    }
    if (command->local != LOCAL_NONE) {
        return run_local(shell, command, &line);
    }
    if (shell->is_json || options->wants_json) {
        line_as_json(shell, text, &line);
    }
    bool is_json = line_has(&line, "json");
    out->page_rows = options->no_pager ? 0 : shell->page_rows;
    enum shell_code code = run_requests(shell, &commands[line.command], &line, out, is_json);
    out_finish(out);
    return code;
}

enum shell_code shell_run(struct shell *shell, const char *text)
{
    char line[LINE_BYTES_MAX];
    struct pipe_options options = {false, false};
    text += strspn(text, " \t\r\n");
    size_t size = strlen(text);
    while (size != 0 && strchr(" \t\r\n", text[size - 1]) != NULL) {
        size--;
    }
    if (size == 0 || text[0] == '!' || text[0] == '#') {
        return SHELL_OK;
    }
    if (size >= sizeof line) {
        return grammar_error(shell, GRAMMAR_TOO_LONG, "", 0, NULL);
    }
    memcpy(line, text, size);
    line[size] = '\0';
    struct out out;
    out_init(&out, shell->out_fd);
    enum shell_code code = pipes_parse(shell, &out, line, &options);
    if (code == SHELL_OK) {
        code = run_command(shell, line, &out, &options);
    }
    out_fini(&out);
    return code;
}
