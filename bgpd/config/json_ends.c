/* libyang stops reading JSON at the end of the outermost object, and does not mind when the text
 * ends before it. A half-written file must not pass for an empty configuration, so the ends are
 * checked here. */
#include <string.h>

#include "bgpd/config/config_private.h"

struct json_place {
    uint32_t line;
    uint32_t column;
};

static void refuse(struct config_report *report, struct json_place place, const char *text)
{
    struct config_report_item *item = report_add(report, CONFIG_ERROR, "%s", text);
    if (item != NULL) {
        item->line = place.line;
        item->column = place.column;
    }
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool json_ends_are_sound(struct byte_view bytes, struct config_report *report)
{
    struct json_place place = {1, 1};
    size_t depth = 0;
    bool in_string = false;
    bool is_escaped = false;
    bool is_over = false;
    for (size_t i = 0; i < bytes.size; i++) {
        uint8_t c = bytes.data[i];
        if (is_over && !is_blank(c)) {
            refuse(report, place, "there is text behind the end of the document");
            return false;
        }
        if (in_string) {
            in_string = is_escaped || c != '"';
            is_escaped = !is_escaped && c == '\\';
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
            is_over = depth == 0;
        }
        place.column = c == '\n' ? 1 : place.column + 1;
        place.line += c == '\n';
    }
    if (depth != 0 || in_string) {
        refuse(report, place, "the text ends inside the document");
        return false;
    }
    return true;
}
