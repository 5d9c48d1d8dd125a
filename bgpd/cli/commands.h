/* The commands: one row each, with pattern, request builder, view and help. */
#ifndef BGPD_CLI_COMMANDS_H
#define BGPD_CLI_COMMANDS_H

#include "bgpd/cli/grammar.h"
#include "bgpd/cli/render.h"

/* What the shell itself does, without the daemon. */
enum local_action {
    LOCAL_NONE,
    LOCAL_ENABLE,
    LOCAL_DISABLE,
    LOCAL_EXIT,
    LOCAL_CONFIGURE,
    LOCAL_TERMINAL_LENGTH,
};

/* A request with room for what it points to. */
struct request_box {
    Control__Request request;
    union {
        Control__GlobalRequest global;
        Control__NeighborsRequest neighbors;
        Control__TableRequest table;
        Control__IpRoutesRequest ip_routes;
        Control__TunnelsRequest tunnels;
        Control__BfdRequest bfd;
        Control__ProtectionRequest protection;
        Control__ConfigRequest config;
        Control__MemoryRequest memory;
        Control__ClearRequest clear;
        Control__ReloadRequest reload;
        Control__FailoversRequest failovers;
        Control__VerifyRequest verify;
        Control__FibAuditRequest fib_audit;
    };
    uint8_t peer[16];
    uint8_t prefix[16];
    uint32_t family; /* the view's */
};

struct command {
    const char *pattern;
    const char *help;
    const char *schema; /* NULL: no JSON */
    enum view view;
    enum local_action local;
    bool needs_enable;
    /* The index-th request of the command; false when there is none, with error_out set when the
     * line makes no sense. */
    bool (*request)(const struct command_line *line, unsigned index, struct request_box *box,
                    char error_out[128]);
};

extern const struct command commands[];
extern const size_t command_count;

/* One line of help for a word of the patterns; NULL when there is none. */
const char *command_word_help(const char *word);

/* A grammar of all commands. */
struct grammar *commands_grammar(void);

#endif
