"""Thirty questions as a reader would put them, with the sections of the English Debian handbook that answer them.

A passage is right when one of the headings above it begins with one of the section numbers.
"""

QUESTIONS: dict[str, tuple[str, ...]] = {
    "How do I stop a user from logging in without deleting the account?": ("8.4.4. ",),
    "Which file lists the places that packages are downloaded from?": ("6.1. Filling", "6.1.1. Syntax"),
    "How can I run a command every night at three?": ("9.7. ", "9.7.1. "),
    "What happens to jobs that were due while the computer was switched off?": ("9.8. ",),
    "How do I find out which package a file on my disk belongs to?": ("5.4.3. ",),
    "How can I log in to another machine without typing a password?": ("9.2.1.1. ",),
    "What do the letters r, w and x mean on a file?": ("9.3.1. ",),
    "How do I make a volume bigger when the disk is full?": ("12.1.2. ",),
    "A disk of my mirror failed, how do I replace it?": ("12.1.1. ",),
    "How can I block incoming traffic on a port?": ("14.2. ", "14.2.1. ", "14.2.2. ", "14.2.3. ", "14.2.4. "),
    "What should I do first when somebody broke into my server?": ("14.7. ", "14.7.1. ", "14.7.2. ", "14.7.3. "),
    "How do I keep old log files from filling the disk?": ("8.9.3. ",),
    "How can I let a colleague run administrator commands without telling the root password?": ("8.9.4. ",),
    "How do I prefer an older version of a package over a newer one?": ("6.2.5. ",),
    "How do I move from one stable release to the next?": ("6.7. ", "6.7.1. ", "6.7.2. ", "6.7.3. "),
    "How can updates be installed without me?": ("6.9. ", "6.9.1. ", "6.9.2. ", "6.9.5. "),
    "How do I share a folder with Windows computers?": ("11.5. ", "11.5.1. ", "11.5.2. "),
    "How do several web sites fit on one web server?": ("11.2.3. ",),
    "How can I stop junk mail before it is accepted?": ("11.1.3. ", "11.1.4. ", "11.1.7. "),
    "What is the difference between removing and purging a package?": ("5.4.2. ", "5.2.2.2. ", "6.2.2. "),
    "How do I build my own kernel?": ("8.10. ", "8.10.1. ", "8.10.2. ", "8.10.3. ", "8.10.4. "),
    "The clock of my machine drifts, how do I keep the right time?": ("8.9.2. ",),
    "How do I encrypt my hard disk while installing?": ("4.2.13.5. ",),
    "Which versions of Debian are there besides stable?": ("1.6. ", "1.6.1. ", "1.6.2. ", "1.6.3. ", "1.6.5. "),
    "How do I set up many machines without answering the installer's questions?": ("12.3. ", "12.3.1. ", "12.3.2. "),
    "How do I get a free certificate for https?": ("10.2.1. ",),
    "How do I copy my files to another computer every night to be safe?": ("9.10. ", "9.10.1. "),
    "Who decides what goes into Debian?": ("1.3. ", "1.3.1. ", "1.3.3. "),
    "How do I report a problem in a package?": ("1.3.2.1. ", "7.2.4. "),
    "How can each machine on the network get its address by itself?": ("10.8. ", "10.8.1. "),
}


def answers(heading_path: list[str] | tuple[str, ...], sections: tuple[str, ...]) -> bool:
    """Tell whether a passage under these headings answers a question that these sections answer."""
    return any(heading.startswith(sections) for heading in heading_path)


__all__ = ["QUESTIONS", "answers"]
