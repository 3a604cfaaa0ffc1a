"""What is done: one flow a file, read top to bottom. Flows return findings; `sync.work` turns them into states."""
