#include "bgpd/io/bfd_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_LINE "sealane-bfd 1\n"
#define LINE_BYTES 256u
#define NOTHING    "-" /* an address or interface that is not given */

static bool read_addr(const char *text, struct ip_addr *addr_out)
{
    *addr_out = (struct ip_addr){.family = IP_NONE};
    return strcmp(text, NOTHING) == 0 || ip_parse(text, addr_out) == STATUS_OK;
}

static bool read_line(const char *line, struct bfd_remembered *out)
{
    char peer[64];
    char local[64];
    char interface[sizeof out->key.interface];
    char hops[8];
    struct bfd_memory *memory = &out->memory;
    memset(out, 0, sizeof *out);
    int fields = sscanf(
        line,
        "%63s %63s %15s %7s %" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNu32,
        peer, local, interface, hops, &memory->local_discriminator, &memory->remote_discriminator,
        &memory->remote_min_rx_us, &memory->remote_desired_tx_us, &memory->remote_multiplier,
        &memory->auth_sent);
    if (fields != 10 || !read_addr(peer, &out->key.peer) || !read_addr(local, &out->key.local)) {
        return false;
    }
    out->key.is_multihop = strcmp(hops, "multi") == 0;
    if (strcmp(interface, NOTHING) != 0) {
        memcpy(out->key.interface, interface, sizeof interface);
    }
    return out->key.peer.family != IP_NONE && memory->local_discriminator != 0 &&
           memory->remote_discriminator != 0 && memory->remote_multiplier >= 1 &&
           memory->remote_multiplier <= UINT8_MAX;
}

size_t bfd_memory_read(const char *path, struct bfd_remembered *sessions_out, size_t max)
{
    char line[LINE_BYTES];
    size_t count = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
    if (file == NULL) {
        if (fd >= 0) {
            close(fd);
        }
        return 0;
    }
    if (fgets(line, sizeof line, file) != NULL && strcmp(line, FIRST_LINE) == 0) {
        for (size_t i = 0; i < max && fgets(line, sizeof line, file) != NULL; i++) {
            count += read_line(line, &sessions_out[count]) ? 1 : 0;
        }
    }
    (void)fclose(file);
    return count;
}

static void write_line(FILE *file, const struct bfd_remembered *session)
{
    const struct bfd_session_action *key = &session->key;
    const struct bfd_memory *memory = &session->memory;
    char peer[IP_TEXT_BYTES];
    char local[IP_TEXT_BYTES];
    (void)fprintf(
        file,
        "%s %s %s %s %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32 "\n",
        ip_format(&key->peer, peer),
        key->local.family == IP_NONE ? NOTHING : ip_format(&key->local, local),
        key->interface[0] == 0 ? NOTHING : key->interface, key->is_multihop ? "multi" : "single",
        memory->local_discriminator, memory->remote_discriminator, memory->remote_min_rx_us,
        memory->remote_desired_tx_us, memory->remote_multiplier, memory->auth_sent);
}

static FILE *open_new(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (file == NULL && fd >= 0) {
        close(fd);
    }
    return file;
}

bool bfd_memory_write(const char *path, const struct bfd_remembered *sessions, size_t count)
{
    char new_path[4096];
    if (count == 0) {
        return unlink(path) == 0 || errno == ENOENT;
    }
    if ((size_t)snprintf(new_path, sizeof new_path, "%s.new", path) >= sizeof new_path) {
        errno = ENAMETOOLONG;
        return false;
    }
    FILE *file = open_new(new_path);
    if (file == NULL) {
        return false;
    }
    (void)fputs(FIRST_LINE, file);
    for (size_t i = 0; i < count; i++) {
        write_line(file, &sessions[i]);
    }
    bool is_written = ferror(file) == 0;
    is_written = fclose(file) == 0 && is_written;
    return is_written && rename(new_path, path) == 0;
}
