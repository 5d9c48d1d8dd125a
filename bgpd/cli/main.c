/* sealane: the shell of sealaned. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bgpd/cli/shell.h"
#include "bgpd/cli/terminal.h"

#define SOCKET_DEFAULT "/run/sealane/sealane.sock"
#define LINES_MAX      64

static void usage(FILE *out)
{
    fprintf(out, "usage: sealane [-j] [-s PATH]                     shell on the terminal\n"
                 "       sealane [-j] [-s PATH] -c COMMAND [-c ...]  commands, one after another\n"
                 "       sealane [-j] [-s PATH] COMMAND...           one command\n"
                 "\n"
                 "  -c COMMAND  run COMMAND; may be given several times\n"
                 "  -j          JSON wherever a command has it\n"
                 "  -s PATH     control socket; default " SOCKET_DEFAULT "\n"
                 "  -h, --help, --version\n"
                 "\n"
                 "exit status: 0 done, 1 a command failed, 2 sealaned cannot be reached\n");
}

/* Words of the command line as one line, quoted where the caller's shell took the quotes; false
 * when it is too long. */
static bool words_join(char *const *words, int count, char out[LINE_BYTES_MAX])
{
    size_t at = 0;
    out[0] = '\0';
    for (int i = 0; i < count; i++) {
        const char *quote = strpbrk(words[i], " \t") != NULL ? "\"" : "";
        int size = snprintf(out + at, LINE_BYTES_MAX - at, "%s%s%s%s", i == 0 ? "" : " ", quote,
                            words[i], quote);
        if (size < 0 || (size_t)size >= LINE_BYTES_MAX - at) {
            return false;
        }
        at += (size_t)size;
    }
    return true;
}

/* All commands are run; the worst result counts. */
static int run_lines(struct shell *shell, const char *const *lines, int count)
{
    int worst = SHELL_OK;
    for (int i = 0; i < count && !shell->wants_exit && worst != SHELL_CONNECTION_ERROR; i++) {
        int code = (int)shell_run(shell, lines[i]);
        worst = code > worst ? code : worst;
    }
    return worst;
}

static int run_stream(struct shell *shell, FILE *in)
{
    char line[LINE_BYTES_MAX + 2];
    int worst = SHELL_OK;
    while (!shell->wants_exit && worst != SHELL_CONNECTION_ERROR &&
           fgets(line, sizeof line, in) != NULL) {
        const char *text = line;
        int code = run_lines(shell, &text, 1);
        worst = code > worst ? code : worst;
    }
    return worst;
}

int main(int argc, char **argv)
{
    static const struct option long_options[] = {
        {"version", no_argument, NULL, 'v'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    const char *socket_path = SOCKET_DEFAULT;
    const char *lines[LINES_MAX];
    int line_count = 0;
    bool is_json = false;
    int letter;
    while ((letter = getopt_long(argc, argv, "+c:hjs:", long_options, NULL)) != -1) {
        switch (letter) {
        case 'c':
            if (line_count == LINES_MAX) {
                fprintf(stderr, "sealane: at most %d commands\n", LINES_MAX);
                return SHELL_COMMAND_ERROR;
            }
            lines[line_count++] = optarg;
            break;
        case 'j':
            is_json = true;
            break;
        case 's':
            socket_path = optarg;
            break;
        case 'v':
            printf("sealane %s\n", SEALANE_VERSION);
            return SHELL_OK;
        case 'h':
            usage(stdout);
            return SHELL_OK;
        default:
            usage(stderr);
            return SHELL_COMMAND_ERROR;
        }
    }
    char joined[LINE_BYTES_MAX];
    if (optind < argc) {
        if (line_count != 0 || !words_join(argv + optind, argc - optind, joined)) {
            fprintf(stderr, "sealane: %s\n",
                    line_count != 0 ? "either -c or words of one command" : "command too long");
            return SHELL_COMMAND_ERROR;
        }
        lines[line_count++] = joined;
    }
    signal(SIGPIPE, SIG_IGN);
    struct shell shell;
    shell_init(&shell, socket_path);
    shell.is_json = is_json;
    int code = line_count != 0 ? run_lines(&shell, lines, line_count)
               : isatty(STDIN_FILENO) != 0 && isatty(STDOUT_FILENO) ? terminal_run(&shell)
                                                                    : run_stream(&shell, stdin);
    shell_fini(&shell);
    return code;
}
