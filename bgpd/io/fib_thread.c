#include "bgpd/io/fib_thread.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bgpd/io/clock.h"
#include "bgpd/io/fib_message.h"
#include "bgpd/io/netlink_walk.h"
#include "proto/base/assert.h"
#include "proto/base/mem.h"

/* A batch is what one send carries. Long batches are cheap, short ones let an urgent operation in
 * sooner: 128 routes are a third of a millisecond. */
#define BATCH_OPERATIONS_MAX 128u
#define BATCH_BYTES_MAX      65536u
#define URGENT_MEMORY        64u
#define SOCKET_BUFFER_BYTES  (4 << 20)
#define ANSWER_TIMEOUT_MS    5000

/* Operations are stored encoded, behind this header, in growing buffers that change hands whole. */
struct operation {
    uint32_t number;
    uint32_t nexthop_id; /* 0 for a route */
    uint32_t bytes;      /* of the message that follows, aligned */
};

struct operation_queue {
    uint8_t *data;
    size_t size;
    size_t capacity;
    size_t taken; /* octets already sent */
};

struct result_queue {
    struct fib_result *items;
    size_t count;
    size_t capacity;
    size_t first;
};

struct fib_thread {
    int socket;
    uint32_t port;
    bool is_dry;
    _Atomic uint8_t protocol;
    void (*wake)(void *context);
    void *wake_context;
    pthread_t thread;
    pthread_mutex_t lock; /* guards the queues and flags below */
    pthread_cond_t work_ready;
    pthread_cond_t all_done;
    struct operation_queue incoming; /* being filled by the loop */
    struct operation_queue urgent;
    struct result_queue results;
    bool is_kicked;
    bool is_ending;
    uint64_t put_count;
    uint64_t answered_count;
    /* The thread's own: */
    struct operation_queue working;
    struct {
        uint32_t nexthop_id;
        uint32_t number;
    } recent_urgent[URGENT_MEMORY]; /* guarded by lock */
    uint32_t recent_urgent_next;
    _Alignas(8) uint8_t send_buffer[BATCH_BYTES_MAX + FIB_MESSAGE_BYTES_MAX];
    _Alignas(8) uint8_t receive_buffer[65536];
    struct fib_result batch[BATCH_OPERATIONS_MAX];
    uint32_t batch_count;
};

static void queue_put(struct operation_queue *queue, const struct operation *operation,
                      const uint8_t *message)
{
    size_t needed = queue->size + sizeof *operation + operation->bytes;
    if (needed > queue->capacity) {
        queue->capacity = needed * 2 < 65536 ? 65536 : needed * 2;
        queue->data = mem_realloc(MEM_FIB, queue->data, queue->capacity);
    }
    memcpy(queue->data + queue->size, operation, sizeof *operation);
    memcpy(queue->data + queue->size + sizeof *operation, message, operation->bytes);
    queue->size = needed;
}

static bool queue_take(struct operation_queue *queue, struct operation *operation_out,
                       const uint8_t **message_out)
{
    if (queue->taken == queue->size) {
        queue->taken = 0;
        queue->size = 0;
        return false;
    }
    memcpy(operation_out, queue->data + queue->taken, sizeof *operation_out);
    *message_out = queue->data + queue->taken + sizeof *operation_out;
    queue->taken += sizeof *operation_out + operation_out->bytes;
    return true;
}

static void queue_fini(struct operation_queue *queue)
{
    mem_free(MEM_FIB, queue->data);
    *queue = (struct operation_queue){NULL, 0, 0, 0};
}

/* True when a newer urgent operation has settled the object already. Caller holds the lock. */
static bool is_overtaken(const struct fib_thread *thread, const struct operation *operation)
{
    if (operation->nexthop_id == 0) {
        return false;
    }
    for (uint32_t i = 0; i < URGENT_MEMORY; i++) {
        if (thread->recent_urgent[i].nexthop_id == operation->nexthop_id &&
            (int32_t)(thread->recent_urgent[i].number - operation->number) > 0) {
            return true;
        }
    }
    return false;
}

static void batch_add(struct fib_thread *thread, const struct operation *operation)
{
    ASSERT(thread->batch_count < BATCH_OPERATIONS_MAX);
    thread->batch[thread->batch_count++] = (struct fib_result){.operation = operation->number};
}

/* Gathers the next batch: urgent operations first. Returns octets in send_buffer. Holds the lock.
 */
static size_t gather(struct fib_thread *thread)
{
    size_t size = 0;
    struct operation operation;
    const uint8_t *message;
    thread->batch_count = 0;
    while (thread->batch_count < BATCH_OPERATIONS_MAX && size < BATCH_BYTES_MAX) {
        if (!queue_take(&thread->urgent, &operation, &message)) {
            if (!queue_take(&thread->working, &operation, &message)) {
                break;
            }
            if (is_overtaken(thread, &operation)) {
                operation.bytes = 0;
            }
        }
        if (operation.bytes != 0) {
            memcpy(thread->send_buffer + size, message, operation.bytes);
            struct nlmsghdr *header = (struct nlmsghdr *)(thread->send_buffer + size);
            header->nlmsg_seq = thread->batch_count + 1; /* place in the batch */
            size += operation.bytes;
        }
        batch_add(thread, &operation);
    }
    return size;
}

static void batch_error(struct fib_thread *thread, uint32_t place, const struct nlmsghdr *message)
{
    const struct nlmsgerr *error = mnl_nlmsg_get_payload(message);
    if (place >= 1 && place <= thread->batch_count) {
        struct fib_result *result = &thread->batch[place - 1];
        result->error = -error->error;
        fib_message_error_text(message, result->text, sizeof result->text);
    }
}

static void batch_fail_all(struct fib_thread *thread, int error)
{
    for (uint32_t i = 0; i < thread->batch_count; i++) {
        thread->batch[i].error = error;
    }
}

/* Reads answers until the one to the batch's last message. The kernel answers errors always and
 * success only where asked; messages are worked on in order, so the last answer closes the batch.
 */
static void collect_answers(struct fib_thread *thread, uint32_t last_place)
{
    for (;;) {
        struct pollfd ready = {.fd = thread->socket, .events = POLLIN};
        if (poll(&ready, 1, ANSWER_TIMEOUT_MS) <= 0) {
            batch_fail_all(thread, ETIMEDOUT);
            return;
        }
        ssize_t got =
            recv(thread->socket, thread->receive_buffer, sizeof thread->receive_buffer, 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            /* ENOBUFS: some answers are lost, so nothing about this batch is known. */
            batch_fail_all(thread, got < 0 ? errno : EIO);
            return;
        }
        int left = (int)got;
        for (struct nlmsghdr *message = (struct nlmsghdr *)thread->receive_buffer;
             netlink_message_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
            if (message->nlmsg_type != NLMSG_ERROR ||
                mnl_nlmsg_get_payload_len(message) < sizeof(struct nlmsgerr)) {
                continue;
            }
            batch_error(thread, message->nlmsg_seq, message);
            if (message->nlmsg_seq == last_place) {
                return;
            }
        }
    }
}

static void send_batch(struct fib_thread *thread, size_t size)
{
    if (size == 0 || thread->is_dry) {
        return;
    }
    struct nlmsghdr *last = (struct nlmsghdr *)thread->send_buffer;
    for (size_t at = NLMSG_ALIGN(last->nlmsg_len); at < size; at += NLMSG_ALIGN(last->nlmsg_len)) {
        last = (struct nlmsghdr *)(thread->send_buffer + at);
    }
    last->nlmsg_flags |= NLM_F_ACK;
    struct mono_time told = clock_mono_now();
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    ssize_t sent;
    do {
        sent = sendto(thread->socket, thread->send_buffer, size, 0, (struct sockaddr *)&kernel,
                      sizeof kernel);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0) {
        batch_fail_all(thread, errno);
        return;
    }
    collect_answers(thread, last->nlmsg_seq);
    struct mono_time done = clock_mono_now();
    for (uint32_t i = 0; i < thread->batch_count; i++) {
        thread->batch[i].told = told;
        thread->batch[i].done = done;
    }
}

/* Holds the lock. True when somebody must be woken. */
static bool hand_back(struct fib_thread *thread)
{
    struct result_queue *queue = &thread->results;
    if (queue->first == queue->count) {
        queue->first = 0;
        queue->count = 0;
    }
    bool was_empty = queue->count == 0;
    if (queue->count + thread->batch_count > queue->capacity) {
        queue->capacity = (queue->count + thread->batch_count) * 2;
        queue->items = mem_realloc(MEM_FIB, queue->items, queue->capacity * sizeof *queue->items);
    }
    memcpy(queue->items + queue->count, thread->batch, thread->batch_count * sizeof *queue->items);
    queue->count += thread->batch_count;
    thread->answered_count += thread->batch_count;
    if (thread->answered_count == thread->put_count) {
        pthread_cond_broadcast(&thread->all_done);
    }
    return was_empty;
}

static void swap_in_new_work(struct fib_thread *thread)
{
    if (thread->working.size == thread->working.taken) {
        struct operation_queue empty = thread->working;
        empty.size = 0;
        empty.taken = 0;
        thread->working = thread->incoming;
        thread->incoming = empty;
    }
}

static bool has_work(const struct fib_thread *thread)
{
    return thread->urgent.size != thread->urgent.taken ||
           thread->working.size != thread->working.taken ||
           (thread->is_kicked && thread->incoming.size != 0);
}

static void *thread_main(void *argument)
{
    struct fib_thread *thread = argument;
    pthread_mutex_lock(&thread->lock);
    for (;;) {
        while (!has_work(thread) && !thread->is_ending) {
            thread->is_kicked = false;
            pthread_cond_wait(&thread->work_ready, &thread->lock);
        }
        if (thread->is_ending && thread->incoming.size != 0) {
            thread->is_kicked = true;
        }
        if (!has_work(thread)) {
            break;
        }
        swap_in_new_work(thread);
        size_t size = gather(thread);
        pthread_mutex_unlock(&thread->lock);
        send_batch(thread, size);
        pthread_mutex_lock(&thread->lock);
        if (hand_back(thread)) {
            pthread_mutex_unlock(&thread->lock);
            thread->wake(thread->wake_context);
            pthread_mutex_lock(&thread->lock);
        }
    }
    pthread_mutex_unlock(&thread->lock);
    return NULL;
}

static bool open_netlink(struct fib_thread *thread)
{
    int one = 1;
    int size = SOCKET_BUFFER_BYTES;
    struct sockaddr_nl addr = {.nl_family = AF_NETLINK};
    socklen_t length = sizeof addr;
    thread->socket = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (thread->socket < 0) {
        return false;
    }
    if (bind(thread->socket, (struct sockaddr *)&addr, sizeof addr) != 0 ||
        getsockname(thread->socket, (struct sockaddr *)&addr, &length) != 0) {
        int error = errno;
        close(thread->socket);
        errno = error;
        return false;
    }
    thread->port = addr.nl_pid;
    /* Neither option is needed for correctness: bigger answers queue, and errors with words. */
    if (setsockopt(thread->socket, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0) {
        (void)setsockopt(thread->socket, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    }
    (void)setsockopt(thread->socket, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof one);
    (void)setsockopt(thread->socket, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof one);
    return true;
}

struct fib_thread *fib_thread_new(void (*wake)(void *context), void *context, bool is_dry)
{
    struct fib_thread *thread = mem_alloc(MEM_FIB, sizeof *thread);
    thread->wake = wake;
    thread->wake_context = context;
    thread->is_dry = is_dry;
    thread->protocol = CONFIG_FIB_PROTOCOL_DEFAULT;
    if (!open_netlink(thread)) {
        int error = errno;
        mem_free(MEM_FIB, thread);
        errno = error;
        return NULL;
    }
    pthread_mutex_init(&thread->lock, NULL);
    pthread_cond_init(&thread->work_ready, NULL);
    pthread_cond_init(&thread->all_done, NULL);
    int error = pthread_create(&thread->thread, NULL, thread_main, thread);
    if (error != 0) {
        close(thread->socket);
        mem_free(MEM_FIB, thread);
        errno = error;
        return NULL;
    }
    return thread;
}

void fib_thread_free(struct fib_thread *thread)
{
    pthread_mutex_lock(&thread->lock);
    thread->is_ending = true;
    pthread_cond_signal(&thread->work_ready);
    pthread_mutex_unlock(&thread->lock);
    pthread_join(thread->thread, NULL);
    pthread_cond_destroy(&thread->work_ready);
    pthread_cond_destroy(&thread->all_done);
    pthread_mutex_destroy(&thread->lock);
    close(thread->socket);
    queue_fini(&thread->incoming);
    queue_fini(&thread->urgent);
    queue_fini(&thread->working);
    mem_free(MEM_FIB, thread->results.items);
    mem_free(MEM_FIB, thread);
}

uint32_t fib_thread_port(const struct fib_thread *thread)
{
    return thread->port;
}

void fib_thread_set_protocol(struct fib_thread *thread, uint8_t protocol)
{
    atomic_store(&thread->protocol, protocol);
}

void fib_thread_put_route(struct fib_thread *thread, const struct fib_route_action *action)
{
    _Alignas(struct nlmsghdr) uint8_t message[FIB_MESSAGE_BYTES_MAX];
    struct operation operation = {
        .number = action->operation,
        .bytes = (uint32_t)fib_message_route(message, 0, action),
    };
    pthread_mutex_lock(&thread->lock);
    queue_put(&thread->incoming, &operation, message);
    thread->put_count++;
    pthread_mutex_unlock(&thread->lock);
}

void fib_thread_put_nexthop(struct fib_thread *thread, const struct fib_nexthop_action *action)
{
    _Alignas(struct nlmsghdr) uint8_t message[FIB_MESSAGE_BYTES_MAX];
    struct operation operation = {
        .number = action->operation,
        .nexthop_id = action->nexthop.id,
        .bytes = (uint32_t)fib_message_nexthop(message, 0, atomic_load(&thread->protocol), action),
    };
    pthread_mutex_lock(&thread->lock);
    thread->put_count++;
    if (action->is_urgent) {
        queue_put(&thread->urgent, &operation, message);
        uint32_t at = thread->recent_urgent_next++ % URGENT_MEMORY;
        thread->recent_urgent[at].nexthop_id = operation.nexthop_id;
        thread->recent_urgent[at].number = operation.number;
        pthread_cond_signal(&thread->work_ready);
    } else {
        queue_put(&thread->incoming, &operation, message);
    }
    pthread_mutex_unlock(&thread->lock);
}

void fib_thread_kick(struct fib_thread *thread)
{
    pthread_mutex_lock(&thread->lock);
    if (thread->incoming.size != 0) {
        thread->is_kicked = true;
        pthread_cond_signal(&thread->work_ready);
    }
    pthread_mutex_unlock(&thread->lock);
}

size_t fib_thread_take_results(struct fib_thread *thread, struct fib_result *results_out,
                               size_t max)
{
    pthread_mutex_lock(&thread->lock);
    struct result_queue *queue = &thread->results;
    size_t count = queue->count - queue->first;
    count = count < max ? count : max;
    if (count != 0) {
        memcpy(results_out, queue->items + queue->first, count * sizeof *results_out);
        queue->first += count;
    }
    pthread_mutex_unlock(&thread->lock);
    return count;
}

bool fib_thread_drain(struct fib_thread *thread, int timeout_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    fib_thread_kick(thread);
    pthread_mutex_lock(&thread->lock);
    int error = 0;
    while (thread->answered_count != thread->put_count && error == 0) {
        error = pthread_cond_timedwait(&thread->all_done, &thread->lock, &until);
    }
    bool is_done = thread->answered_count == thread->put_count;
    pthread_mutex_unlock(&thread->lock);
    return is_done;
}
