"""Motion to text: what a clip shows, said in sentences that its measured facts agree with."""
