/* The smallest program there is, for what it costs to start one. */
int main(void) {
    return 0;
}
