/* From a parsed line to requests; one builder per kind of command. */
#ifndef BGPD_CLI_REQUESTS_H
#define BGPD_CLI_REQUESTS_H

#include "bgpd/cli/commands.h"

bool request_summary(const struct command_line *line, unsigned index, struct request_box *box,
                     char error_out[128]);
bool request_neighbors(const struct command_line *line, unsigned index, struct request_box *box,
                       char error_out[128]);
bool request_table(const struct command_line *line, unsigned index, struct request_box *box,
                   char error_out[128]);
bool request_ip_routes(const struct command_line *line, unsigned index, struct request_box *box,
                       char error_out[128]);
bool request_bfd(const struct command_line *line, unsigned index, struct request_box *box,
                 char error_out[128]);
bool request_tunnels(const struct command_line *line, unsigned index, struct request_box *box,
                     char error_out[128]);
bool request_protection(const struct command_line *line, unsigned index, struct request_box *box,
                        char error_out[128]);
bool request_config(const struct command_line *line, unsigned index, struct request_box *box,
                    char error_out[128]);
bool request_global(const struct command_line *line, unsigned index, struct request_box *box,
                    char error_out[128]);
bool request_memory(const struct command_line *line, unsigned index, struct request_box *box,
                    char error_out[128]);
bool request_clear(const struct command_line *line, unsigned index, struct request_box *box,
                   char error_out[128]);
bool request_reload(const struct command_line *line, unsigned index, struct request_box *box,
                    char error_out[128]);
bool request_failovers(const struct command_line *line, unsigned index, struct request_box *box,
                       char error_out[128]);
bool request_verify(const struct command_line *line, unsigned index, struct request_box *box,
                    char error_out[128]);
bool request_fib_audit(const struct command_line *line, unsigned index, struct request_box *box,
                       char error_out[128]);

#endif
