/* A line typed into the shell: taken, refused or completed, and what is taken becomes a request
 * that can be packed. */
#include <string.h>

#include "bgpd/cli/commands.h"
#include "proto/base/assert.h"
#include "proto/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void command_fuzz_request(const struct command_line *line)
{
    const struct command *command = &commands[line->command];
    uint8_t packed[2 * LINE_BYTES_MAX];
    for (unsigned index = 0; command->request != NULL && index < 8; index++) {
        struct request_box box;
        char error[128] = "";
        memset(&box, 0, sizeof box);
        control__request__init(&box.request);
        if (!command->request(line, index, &box, error)) {
            return;
        }
        size_t size = control__request__get_packed_size(&box.request);
        ASSERT(size <= sizeof packed);
        size_t written = control__request__pack(&box.request, packed);
        ASSERT(written == size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct grammar *grammar; /* the same for all inputs */
    char text[2 * LINE_BYTES_MAX];
    struct command_line line;
    struct grammar_candidates candidates;
    size_t column;
    if (grammar == NULL) {
        grammar = commands_grammar();
    }
    if (size >= sizeof text) {
        return 0;
    }
    if (size != 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    enum grammar_result result = grammar_parse(grammar, text, &line, &column, &candidates);
    ASSERT(column <= strlen(text) && candidates.count <= CANDIDATES_MAX);
    if (result == GRAMMAR_OK) {
        ASSERT(line.command < command_count && line.token_count <= LINE_TOKENS_MAX);
        command_fuzz_request(&line);
    }
    (void)grammar_next(grammar, text, &candidates, &column);
    ASSERT(column <= strlen(text) && candidates.count <= CANDIDATES_MAX);
    return 0;
}
