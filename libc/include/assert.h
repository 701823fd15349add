/* assert ends the program and prints where; with NDEBUG it does nothing. */
#undef assert

#ifdef NDEBUG
#define assert(condition) ((void)0)
#else
#define assert(condition) \
    ((condition) ? (void)0 : __assert_fail(#condition, __FILE__, __LINE__, __func__))
#endif

#ifndef JACINTH_ASSERT_H
#define JACINTH_ASSERT_H
#define static_assert _Static_assert
__attribute__((__noreturn__)) void __assert_fail(const char* condition, const char* file, int line,
                                                 const char* function);
#endif
