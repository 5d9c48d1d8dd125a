/* Results of functions that can fail. Below bgpd/io nothing returns -1 or errno. */
#ifndef PROTO_BASE_STATUS_H
#define PROTO_BASE_STATUS_H

#define NODISCARD __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_index, first_index)                                                     \
    __attribute__((format(printf, format_index, first_index)))

enum status {
    STATUS_OK = 0,
    STATUS_NOT_FOUND,
    STATUS_EXISTS,
    STATUS_LIMIT,     /* a configured or built-in bound was reached; nothing changed */
    STATUS_INVALID,   /* the input breaks a rule */
    STATUS_TRUNCATED, /* the input ends too early, or the output does not fit */
    STATUS_BUSY,      /* not now; ask again */
    STATUS_REFUSED,   /* well-formed but not allowed */
};

/* A lower-case word for messages; never NULL. */
const char *status_name(enum status status);

#endif
