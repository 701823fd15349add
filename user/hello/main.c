/* The smallest program: says hello, and with which arguments it was started. */
#include <stdio.h>

int main(int argc, char** argv) {
    printf("hello from user mode\n");
    for (int i = 0; i < argc; i++)
        printf("  argument %d: %s\n", i, argv[i]);
    return 0;
}
