/* Classes of ASCII characters, and comparison without regard to case. */
#include <ctype.h>
#include <strings.h>

static int is_between(int character, int first, int last) {
    return character >= first && character <= last;
}

int isdigit(int character) {
    return is_between(character, '0', '9');
}

int islower(int character) {
    return is_between(character, 'a', 'z');
}

int isupper(int character) {
    return is_between(character, 'A', 'Z');
}

int isalpha(int character) {
    return islower(character) || isupper(character);
}

int isalnum(int character) {
    return isalpha(character) || isdigit(character);
}

int isxdigit(int character) {
    return isdigit(character) || is_between(tolower(character), 'a', 'f');
}

int isblank(int character) {
    return character == ' ' || character == '\t';
}

int isspace(int character) {
    return character == ' ' || is_between(character, '\t', '\r');
}

int iscntrl(int character) {
    return is_between(character, 0, 31) || character == 127;
}

int isgraph(int character) {
    return is_between(character, '!', '~');
}

int isprint(int character) {
    return is_between(character, ' ', '~');
}

int ispunct(int character) {
    return isgraph(character) && !isalnum(character);
}

int tolower(int character) {
    return isupper(character) ? character - 'A' + 'a' : character;
}

int toupper(int character) {
    return islower(character) ? character - 'a' + 'A' : character;
}

int strncasecmp(const char* left, const char* right, size_t limit) {
    for (; limit > 0; left++, right++, limit--) {
        int difference = tolower((unsigned char)*left) - tolower((unsigned char)*right);
        if (difference != 0 || !*left)
            return difference;
    }
    return 0;
}

int strcasecmp(const char* left, const char* right) {
    return strncasecmp(left, right, (size_t)-1);
}
