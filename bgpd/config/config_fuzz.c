/* A configuration file with anything in it: refused with a reason, or loaded; and what is loaded
 * can be printed, loads again and prints the same. The first octet chooses the spelling. */
#include "bgpd/config/config.h"
#include "proto/base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct config_loader *config_fuzz_loader(void)
{
    static struct config_loader *loader; /* some milliseconds: once for all inputs */
    if (loader == NULL) {
        loader = config_loader_new();
    }
    return loader;
}

/* False when the text was refused. */
static bool config_fuzz_print(enum config_format format, struct byte_view text, struct buffer *out)
{
    struct config_loader *loader = config_fuzz_loader();
    struct config *config = NULL;
    struct config_tree *tree = NULL;
    struct config_report report;
    config_report_init(&report);
    enum status status = config_load(loader, "fuzz", format, text, &config, &tree, &report);
    ASSERT((status == STATUS_OK) == (config != NULL && tree != NULL));
    ASSERT(status == STATUS_OK || report.error_count != 0);
    struct buffer said;
    buffer_init(&said, MEM_CONFIG);
    config_report_format(&report, &said);
    buffer_fini(&said);
    config_report_fini(&report);
    if (status != STATUS_OK) {
        return false;
    }
    status = config_print(loader, tree, CONFIG_FORMAT_TEXT, true, out);
    ASSERT(status == STATUS_OK || format != CONFIG_FORMAT_TEXT);
    config_tree_free(tree);
    config_free(config);
    return status == STATUS_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct buffer first, second;
    buffer_init(&first, MEM_CONFIG);
    buffer_init(&second, MEM_CONFIG);
    enum config_format format = (enum config_format)(data[0] % 3);
    if (config_fuzz_print(format, (struct byte_view){data + 1, size - 1}, &first)) {
        bool is_taken = config_fuzz_print(CONFIG_FORMAT_TEXT,
                                          (struct byte_view){first.data, first.size}, &second);
        ASSERT(is_taken);
        ASSERT(byte_view_equal((struct byte_view){first.data, first.size},
                               (struct byte_view){second.data, second.size}));
    }
    buffer_fini(&first);
    buffer_fini(&second);
    return 0;
}
