package main

// Main is main, for the scripts to run it as a command.
func Main() { main() }
