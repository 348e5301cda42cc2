"""Words that are family names too. Alone, one of them names nobody: see `names` for when it does.

Chosen by hand: words of every day that are borne as names, names of places, of the calendar and of the famous people whom
courses speak of. What a directory gives as first names is common as well, without being listed here.
"""

from __future__ import annotations

_THINGS = """
abeille agneau aigle alouette ami amour ange anneau arbre argent aubert auge aune automne avocat avril bailli balance ballet
banc baquet bar baron barre barrage barreau barrier basset bastide bataille bateau baudet beau beaucoup bel belle belin
benoit berger berceau besson biche bien bienvenu bijou billet bise blanc blanche blanchet blaise bled blondel boeuf boire
bois boisson boite bon bonheur bonhomme bonne bonnet bonnefoy bordes bosse botte bouc boucher bouclier boulanger boule
boulet bourg bourgeois bourrel bourse bouton boutin branche bras brasseur breton brillant briand brochet brosse brun brunet
buisson bureau but cadet cadre caillou calme camus canal canard capitaine cardinal carpentier carre carreau carrier carriere
cartier casse castel cave cerf cerise chabot chaine chambre champ champion champs chance chant chanteur chapelle chapon
charbonnier charge charles charpentier charrier charron chasseur chat chateau chatelain chef chemin chene cheval chevalier
chevallier chevre choix chretien christ cirier clair claire classe clavier cle clement clerc cloche clos coche cocher coeur
coin colin collet collier colombe combe comble commun comte conte coq corbeau corbel cordier corne corps cos coste cote
couderc cour courant courbe courtois couronne court courtin cousin couture couvreur cretin croissant croix cuisinier cuvier
dame daniel danse dauphin denis dernier desert deux devin dieu dimanche docteur doigt don doux drapier droit droite du duc
dur ecole ecuyer enfant epine ermite espace est estival etang ete etoile evangile evrard fabre faible faucon faure faux fer
ferme ferrand ferre ferrier fevre feuille fils fin fleur fleury foi foin font fontaine force forest foret forge forgeron
fort fortin fosse fossier fou foulon four fournier franc france francais franchise frere froment fromage garde gardien
garnier gascon gauche gauthier gay gendre genet gentil gilbert girard glace gobert goujon grain grand grandjean grange
granger gras gris gros guerin guerre guillaume hardi hameau herbe hermite heros heureux hiver homme hospital hote hure
humble imbert inconnu isle jardin jardinier jaune jean jeune joie joli joly jour jourdan journal journee jouve juge juif
juillet juin julien labbe labour lac laine lamy lance langue lapin larcher large latour laurent laurier lavoir lebon lecture
leger lent lepage lessard levant levy lierre lievre lin lion lis livre loi loir loisel long lot loup louvet lucas luce lune
magnan mai maille main maire maison maitre mal malade marais marbre marchais marchand marche marechal mari marie marin
marine marion maris marquis mars marteau martin masse masson mathieu matin maure mer mercier mercure merle messager metayer
meunier michel midi mignon millet mine miroir moine molle monde monnet monnier mont montagne moreau morel morin mort moulin
mouton mure musique neveu nez nice nicolas nid noble noel noir noire nord normand notaire nouveau nuit oger oiseau olive
olivier or orange orme os ouest page pain paix paon papin paquet parent paris parisot part pas pascal passage pasteur pastor
patin paul pauvre payen peintre peltier pelletier pepin perche perdrix pere perez perle perrier perrin perron petit petite
philippe pic picard pie pied pierre pigeon pilon pin pinson piquet place plaisir plante plat plume point poirier poisson
poivre pomme pommier pont porcher port porte portier pot potier poulain poule poulet poupon pre premier prevost prieur
prince prudent prunier puis puits raisin rat raymond raison remond regnier renard rene rey richard riche rigaud rival
riviere robert robin roche rocher roi roland roman ronde rose rosier rossignol rouge rousseau roussel route roux royal royer
rue sable sage saint salle samson sanglier sarrazin saule saunier sauvage savant savoie savary second seigneur sel selle
sellier sergent serre service simon soldat soleil sommet son sorbier souchon soulier source suisse sureau tailleur taillefer
tanneur taureau teinturier tellier temple terre terrier tessier texier thomas tissier toile tort tour tournier toussaint
traverse tresor tristan trouve troyes tuilier val valet valette valentin vallee vallet vasseur veau vent ventre verdier
verger vernier verre vert veuve vicaire victoire vidal vie vieux vigne vigneron vilain villa village ville villeneuve vin
vincent vivant voisin vrai werner wagner
"""

_WORDS_OF_GRAMMAR = """
a afin ai ainsi alors an annee ans apres au aucun aussi autre autres aux avant avec avoir ba bas be beaucoup bout bref ca
car ce cela celle celui ces cet cette ceux chacun chaque chez ci cinq combien comme comment contre cours dans de deja depuis
des dessous dessus deux dit dix do dont donc du elle elles en encore entre es est et etait etre eu eux fait faire faut fois
font hors huit ici il ils je jusque la le les leur leurs li lors lui ly ma mais me meme mes mi mieux mis moi moins mon ne
neuf ni non nos notre nous on ont or ou oui par parce parmi peu peut plus plutot pour pourquoi pres pu quand que quel quelle
qui quoi rien sa sans sauf se selon sept ses si six soi soit son sont sous soyez su sur ta tant te tel tes toi ton tot tous
tout toute toutes tres trois trop tu un une va vers veut voici voila vos votre vous vu y the of and to in is are by for from
with this that you he she his her was were be been will would can may young king long short white black brown green gray
grey hill wood woods stone rivers field fields bush rice price best good day may june march page page west east north south
lane rich power case bell ball banks baker butler carpenter carter cook cooper fisher gardener hunter mason miller porter
potter smith taylor turner walker weaver wright self love hope grace faith
"""

_PLACES_AND_DAYS = """
aix albi allemagne alpes alsace amiens angers angleterre anjou ardennes arles artois asie aurillac autriche auvergne avignon
bayonne beauvais belgique belfort berlin bern bezier biarritz bordeaux boulogne bourgogne brest bretagne bruxelles caen
calais cambrai canada cannes carcassonne castres chalon chambery champagne chartres chine cluny cognac colmar colombes
compiegne corse creil creteil dijon dole douai dreux dublin dunkerque epinal espagne europe evreux flandre flandres florence
foix gap gascogne geneve grenoble grece hongrie inde irlande israel italie japon jura laon laval lens liban liege lille
limoges lisbonne londres lorient lorraine lourdes lyon macon madrid mans maroc marseille mayenne meaux metz milan monaco
montauban montpellier moscou mulhouse nancy nantes narbonne naples navarre nevers niort nimes normandie orleans oxford
palestine pau perigueux perpignan picardie poitiers poitou pologne portugal prague provence quimper reims rennes rochefort
rochelle rodez rome roubaix rouen russie saintes saumur sedan sens sete sevres soissons strasbourg suede syrie tarbes toulon
toulouse touraine tours tunis tunisie troyes turquie valence valenciennes vannes vendome venise verdun versailles vichy
vienne lundi mardi mercredi jeudi vendredi samedi janvier fevrier aout septembre octobre novembre decembre
"""

_FAMOUS = """
ampere archimede aristote avogadro balzac bach bayes becquerel beethoven bernoulli bohr boltzmann bonaparte bourdieu braille
brahms camus carnot cauchy celsius churchill clausius clapeyron comte condorcet copernic coulomb curie cuvier danton darwin
debussy delacroix descartes diderot diesel dreyfus dumas durkheim eiffel einstein euclide euler faraday fermat ferry
flaubert foch foucault fourier freud galilee galois gauss gaulle gide goethe hegel hertz hobbes hubble hugo jaures joule
kant kelvin kepler keynes kirchhoff lagrange laplace lavoisier lebesgue leibniz lenine lincoln locke lorentz machiavel mach
mariotte marx mayer maxwell mendel mendeleiev michelet mitterrand moliere monet montaigne montesquieu mozart napoleon newton
nernst nietzsche nobel ohm papin pasteur picasso planck platon poincare poisson pompidou proudhon proust rabelais rameau
ravel reynolds riemann rimbaud robespierre rodin ronsard rousseau sartre smith socrate spinoza staline stendhal tocqueville
turing verlaine verne voltaire volta watt weber zola
"""

# Borne as family names by many. Those of the directory itself are added to them.
_FIRST_NAMES = """
adrien aime alain albert alexandre alexis alfred alphonse ambroise anatole andre angele anselme antoine apolline armand
arnaud arsene arthur aubin auguste augustin aurelien aymeric baptiste barnabe barthelemy basile bastien benjamin bernard
bertrand blaise bruno camille cecile celestin cesar charles christian christophe claude colette constantin cyprien cyril
damien david denis didier dominique edmond edouard eleonore eloi emile emmanuel eric ernest etienne eugene eustache fabien
fabrice felix ferdinand fernand firmin florent florentin florian francis francois frederic gabriel gaetan gaspard gaston
gautier gauthier georges gerard germain gervais ghislain gilles godefroy gontran gregoire guy hector helene henri henry
herve hilaire hippolyte honore hubert hugues ignace irene isaac isidore jacob jacques jeremie jerome joachim joel joseph
josse judith jules just justin lambert laure lazare leandre leon leonard leopold lionel louis luce lucien ludovic madeleine
marc marcel marguerite mathias mathilde matthieu maurice maxence maxime maximilien medard moise narcisse nestor noe norbert
octave odile odilon olivier omer oscar pascal patrice patrick placide prosper quentin raoul raphael regis remi remy renaud
robin roch rodolphe rodrigue roger romain romeo romuald salomon samuel sebastien severin silvestre sylvain sylvestre tanguy
theodore theophile thibault thibaut thierry timothee ulysse urbain vivien xavier yves zacharie
"""

COMMON = frozenset(f"{_FIRST_NAMES} {_THINGS} {_WORDS_OF_GRAMMAR} {_PLACES_AND_DAYS} {_FAMOUS}".split())
