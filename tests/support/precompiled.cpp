// Nothing but a place for the tests' precompiled header to be made for.
int main() { return 0; }
