#include "bgpd/io/tcp_ao.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bgpd/io/tcp_options.h"
#include "proto/base/assert.h"

/* The kernel's interface, which the headers of older systems lack. */
#define OPTION_ADD_KEY       38
#define OPTION_DELETE_KEY    39
#define KEY_EXCLUDES_OPTIONS 0x02

struct ao_add {
    struct sockaddr_storage addr;
    char algorithm[64];
    int32_t ifindex;
    uint32_t is_current : 1, /* signs from now on */
        is_next : 1,         /* the peer is asked to sign with it */
        reserved_bits : 30;
    uint16_t reserved;
    uint8_t prefix_bits;
    uint8_t send_id;
    uint8_t recv_id;
    uint8_t mac_bytes; /* 0: 12 octets, as RFC 5926 has them */
    uint8_t key_flags;
    uint8_t secret_bytes;
    uint8_t secret[80];
} __attribute__((aligned(8)));

struct ao_delete {
    struct sockaddr_storage addr;
    int32_t ifindex;
    uint32_t sets_current : 1, sets_next : 1, is_asynchronous : 1, /* listening sockets only */
        reserved_bits : 29;
    uint16_t reserved;
    uint8_t prefix_bits;
    uint8_t send_id;
    uint8_t recv_id;
    uint8_t current_id;
    uint8_t next_id;
    uint8_t key_flags;
} __attribute__((aligned(8)));

_Static_assert(sizeof(struct sockaddr_storage) == 128, "the kernel's address");
_Static_assert(sizeof(struct ao_add) == 288 && sizeof(struct ao_delete) == 144,
               "the kernel's sizes");

static const char *algorithm_name(uint8_t algorithm)
{
    switch ((enum tcp_ao_algorithm)algorithm) {
    case TCP_AO_HMAC_SHA1:
        return "hmac(sha1)";
    case TCP_AO_AES_128_CMAC:
        return "cmac(aes128)";
    case TCP_AO_HMAC_SHA256:
        return "hmac(sha256)";
    }
    UNREACHABLE();
    return "";
}

static bool is_listening(int fd)
{
    int is_listener = 0;
    socklen_t size = sizeof is_listener;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listener, &size) == 0 && is_listener != 0;
}

static bool add_key(int fd, const struct prefix *peer, const struct config_tcp_key *key, bool signs,
                    bool includes_options)
{
    struct ao_add option = {
        .is_current = signs,
        .is_next = signs,
        .prefix_bits = peer->len_bits,
        .send_id = key->send_id,
        .recv_id = key->recv_id,
        .key_flags = includes_options ? 0 : KEY_EXCLUDES_OPTIONS,
        .secret_bytes = (uint8_t)strlen(key->secret),
    };
    struct ip_addr ip = prefix_addr(peer);
    sockaddr_from_ip(&ip, 0, 0, &option.addr);
    memcpy(option.algorithm, algorithm_name(key->algorithm),
           strlen(algorithm_name(key->algorithm)) + 1);
    memcpy(option.secret, key->secret, option.secret_bytes);
    int result = setsockopt(fd, IPPROTO_TCP, OPTION_ADD_KEY, &option, sizeof option);
    int error = errno;
    explicit_bzero(&option, sizeof option);
    errno = error;
    return result == 0;
}

bool tcp_ao_add(int fd, const struct prefix *peer, const struct config_key_chain *chain,
                bool includes_options)
{
    bool is_listener = is_listening(fd);
    for (unsigned i = 0; i < chain->key_count; i++) {
        bool signs = i == 0 && !is_listener;
        if (!add_key(fd, peer, &chain->keys[i], signs, includes_options)) {
            return false;
        }
    }
    return true;
}

void tcp_ao_remove(int fd, const struct prefix *peer, const struct config_key_chain *chain)
{
    for (unsigned i = 0; i < chain->key_count; i++) {
        struct ao_delete option = {
            .is_asynchronous = is_listening(fd),
            .prefix_bits = peer->len_bits,
            .send_id = chain->keys[i].send_id,
            .recv_id = chain->keys[i].recv_id,
        };
        struct ip_addr ip = prefix_addr(peer);
        sockaddr_from_ip(&ip, 0, 0, &option.addr);
        (void)setsockopt(fd, IPPROTO_TCP, OPTION_DELETE_KEY, &option, sizeof option);
    }
}

bool tcp_ao_is_available(void)
{
    static const struct config_key_chain chain = {
        .key_count = 1, .keys = {{.send_id = 1, .recv_id = 1, .secret = "probe"}}};
    struct ip_addr nobody = ip_from_v4(0xc0000201); /* 192.0.2.1 */
    struct prefix peer = prefix_host(&nobody);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_available = fd >= 0 && tcp_ao_add(fd, &peer, &chain, true);
    if (fd >= 0) {
        close(fd);
    }
    return is_available;
}
