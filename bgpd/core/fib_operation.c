/* Numbered operations towards the kernel and who waits for the answer. */
#include <errno.h>
#include <string.h>

#include "bgpd/core/kernel_private.h"
#include "proto/base/assert.h"

#define OPERATIONS_MIN 8192u

static struct operation *place(struct kernel_side *ks, uint32_t operation)
{
    return &ks->operations[operation & (ks->operation_capacity - 1)];
}

/* Answers come in about the order of the questions: a ring is a hash without collisions but for
 * the odd one that waits long, and then the ring grows. */
static void make_room(struct kernel_side *ks, uint32_t operation)
{
    while (ks->operation_capacity == 0 || place(ks, operation)->operation != 0) {
        struct operation *old = ks->operations;
        uint32_t old_capacity = ks->operation_capacity;
        ks->operation_capacity = old_capacity == 0 ? OPERATIONS_MIN : old_capacity * 2;
        ks->operations = mem_alloc(MEM_FIB, ks->operation_capacity * sizeof *ks->operations);
        for (uint32_t i = 0; i < old_capacity; i++) {
            if (old[i].operation != 0) {
                *place(ks, old[i].operation) = old[i];
            }
        }
        mem_free(MEM_FIB, old);
    }
}

static uint32_t remember(struct core *core, const struct operation *what)
{
    struct kernel_side *ks = kernel_of(core);
    uint32_t operation = ++core->next_operation;
    if (operation == 0) {
        operation = ++core->next_operation;
    }
    make_room(ks, operation);
    struct operation *entry = place(ks, operation);
    *entry = *what;
    entry->operation = operation;
    return operation;
}

uint32_t operation_send_route(struct core *core, const struct fib_route *route, bool is_delete,
                              const struct operation *what)
{
    struct core_action action = {.kind = ACTION_FIB_ROUTE};
    action.fib_route.operation = remember(core, what);
    action.fib_route.is_delete = is_delete;
    action.fib_route.route = *route;
    action_queue_put(&core->actions, &action);
    return action.fib_route.operation;
}

uint32_t operation_send_nexthop(struct core *core, const struct fib_nexthop *nexthop,
                                bool is_delete, bool is_urgent, const struct operation *what)
{
    struct core_action action = {.kind = ACTION_FIB_NEXTHOP};
    action.fib_nexthop.operation = remember(core, what);
    action.fib_nexthop.is_delete = is_delete;
    action.fib_nexthop.is_urgent = is_urgent;
    action.fib_nexthop.nexthop = *nexthop;
    action_queue_put(&core->actions, &action);
    return action.fib_nexthop.operation;
}

void operation_forget(struct core *core, uint32_t operation)
{
    struct kernel_side *ks = kernel_of(core);
    if (operation != 0 && ks->operation_capacity != 0 &&
        place(ks, operation)->operation == operation) {
        struct operation *entry = place(ks, operation);
        *entry = entry->is_timed ? (struct operation){.operation = operation,
                                                      .kind = OPERATION_OTHER,
                                                      .is_timed = true}
                                 : (struct operation){0};
    }
}

void operation_remove_twin(struct core *core, const struct fib_route *route,
                           const struct fib_result *result)
{
    struct operation what = {.kind = OPERATION_STRAY};
    if (result->error == EEXIST && route->prefix.family == IP_V4 && !route->is_first) {
        operation_send_route(core, route, true, &what);
    }
}

/* Nobody waits for it, but what was to go may lead protected packets into the clear. */
static void on_removal(struct core *core, const struct fib_result *result)
{
    if (result->error == 0) {
        fib_audit_calm(core);
    } else if (!fib_is_nothing_there(result->error)) {
        fib_audit_soon(core);
    }
}

void operation_on_result(struct core *core, const struct fib_result *result)
{
    struct kernel_side *ks = kernel_of(core);
    if (result->operation == 0 || ks->operation_capacity == 0 ||
        place(ks, result->operation)->operation != result->operation) {
        return; /* Nobody waits for it any more. */
    }
    struct operation what = *place(ks, result->operation);
    *place(ks, result->operation) = (struct operation){0};
    if (what.is_timed) {
        failover_on_answer(core, result);
    }
    switch ((enum operation_kind)what.kind) {
    case OPERATION_ENTRY:
        fib_entry_on_result(core, what.number, result);
        return;
    case OPERATION_OWN:
        own_route_on_result(core, what.own, result);
        return;
    case OPERATION_LEG:
        fib_groups_on_result(core, true, what.number, result);
        return;
    case OPERATION_GROUP:
        fib_groups_on_result(core, false, what.number, result);
        return;
    case OPERATION_STRAY:
        ks->audit.repaired[DRIFT_STRAY] += result->error == 0 ? 1 : 0;
        on_removal(core, result);
        return;
    case OPERATION_OTHER:
        on_removal(core, result);
        return;
    case OPERATION_NONE:
        return;
    }
    UNREACHABLE();
}

bool fib_member_waits(const struct fib_nexthop *group, uint8_t index)
{
    return group->is_resilient && group->member_weights[index] == 1 &&
           group->member_weights[0] == FIB_WEIGHT_BESIDE_STANDBY;
}

void operations_fini(struct core *core)
{
    mem_free(MEM_FIB, kernel_of(core)->operations);
}

const char *fib_error_text(int error)
{
    switch (error) {
    case 0:
        return "";
    case EPERM:
    case EACCES:
        return "not permitted";
    case ENOENT:
    case ESRCH:
        return "no such route or next hop";
    case EEXIST:
        return "another route stands there";
    case ENETUNREACH:
    case EHOSTUNREACH:
        return "its gateway is not reachable";
    case ENETDOWN:
        return "its interface is down";
    case ENODEV:
        return "its interface does not exist";
    case ENOMEM:
    case ENOBUFS:
        return "the kernel is out of memory";
    case EINVAL:
        return "the kernel finds it invalid";
    case EOPNOTSUPP:
        return "the kernel cannot do this";
    default:
        return "refused by the kernel";
    }
}
