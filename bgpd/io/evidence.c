#include "bgpd/io/evidence.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void evidence_init(struct evidence *evidence, uint16_t tunnel_number, uint32_t source)
{
    memset(evidence, 0, sizeof *evidence);
    evidence->fact.tunnel_number = tunnel_number;
    evidence->fact.source = source;
}

void evidence_tell(struct evidence *evidence, const struct evidence_hooks *hooks,
                   enum evidence_verdict verdict, const char *format, ...)
{
    struct core_event event = {.kind = EVENT_TUNNEL_FACT, .tunnel_fact = evidence->fact};
    struct tunnel_fact *fact = &event.tunnel_fact;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fact->detail, sizeof fact->detail, format, arguments);
    va_end(arguments);
    fact->is_known = verdict != EVIDENCE_UNKNOWN;
    fact->is_alive = verdict == EVIDENCE_ALIVE;
    if (evidence->is_told && fact->is_known == evidence->fact.is_known &&
        fact->is_alive == evidence->fact.is_alive &&
        strcmp(fact->detail, evidence->fact.detail) == 0) {
        return;
    }
    evidence->is_told = true;
    evidence->fact = *fact;
    hooks->feed(hooks->context, &event);
}
