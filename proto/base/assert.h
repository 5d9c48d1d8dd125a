/* Assertions state what we believe about our own code and stay on in every build.
 * Bytes from outside are never asserted; they are checked. */
#ifndef PROTO_BASE_ASSERT_H
#define PROTO_BASE_ASSERT_H

/* Prints the broken belief with its place and aborts. */
_Noreturn void assert_failed(const char *claim, const char *file, int line);

#define ASSERT(claim) ((claim) ? (void)0 : assert_failed(#claim, __FILE__, __LINE__))

/* Walks and recounts: only in debug and simulator builds. */
#ifdef SEALANE_SLOW_CHECKS
#define ASSERT_SLOW(claim) ASSERT(claim)
#else
#define ASSERT_SLOW(claim) ((void)sizeof(claim))
#endif

#define UNREACHABLE() assert_failed("unreachable code", __FILE__, __LINE__)

#endif
