"""French words that anyone may write in a question: known to be no error, whether the documents have them or not.

Nothing is ever looked for because of this list; it only keeps a good word from being "mended" into another.
"""

from __future__ import annotations

from functools import lru_cache

from parvis.retrieval.analysis import terms


def is_common(term: str) -> bool:
    return term in _common_terms()


@lru_cache(maxsize=1)
def _common_terms() -> frozenset[str]:
    return frozenset(terms(_COMMON))


_COMMON = """
    abandonner abolir aborder aboutir abri absent absence absorber accélérer accepter accès accident accompagner accomplir
    accorder accueil accueillir accuser acheter acquérir acquis action activer activité actualité acteur adapter addition
    adhérer adjoint admettre admis admission adopter adresse adulte affaire affecter afficher affirmer agence agent agir
    agrandir agréable aimer ajouter aliment allemand allonger allumer alphabet altitude améliorer aménager amende amener ami
    amour amphi analyse ancien anglais animal annexe annoncer annuel annuler antérieur antique apercevoir apparaître
    appareil apparence appartement appartenir appel appliquer apporter apprécier apprendre appris apprenti approcher
    approfondir appuyer arbre arc architecte argent arme armée arrêter arrière arrivée article artisan artiste aspect
    assemblée asseoir assez assiduité assister association assumer assurer atelier atteindre atteint attendre attention
    atténuer attestation attirer attitude attribuer audience augmenter auteur authentique auto automatique autoriser
    autoroute autorité avantage avenir aventure avertir avion avis avocat avouer axe bagage baisse balance bande banque barre
    base bataille bateau bâtiment battre beau beauté bénéfice bénévole besoin bête bibliothèque bien bilan billet biologie
    blanc blesser bleu bloc bloquer boire bois boîte bon bonheur bord bouche bourse bout bouteille boutique branche bras
    bref brevet briller briser bruit brûler budget bulletin bureau bus cacher cadeau cadence cadre café cage cahier caisse
    calcul calendrier calme camarade campagne campus canal cancer candidat candidature cantine capable capacité capital
    capitale carnet carré carrière carte carton castor catalogue catégorie cause cellule centaine centre cercle cérémonie
    certain certifier certificat cerveau cesser chaîne chaise chaleur chambre champ champion chance changer chanson chanter
    chapitre charge charger charte chasse chat château chaud chauffage chauffer chaussure chef chemin cher chercher cheval
    chien chiffre chimie chimique chinois choisir choix chômage choquer chuter ciel cinéma circuit circulation cirque citoyen
    civil clair classe classement classique clavier client climat clinique clôture club code cœur coin collaborer collège
    coller colline colonne combat combattre combiner comité commander commerce commission commun communauté communiquer
    compagnie comparer compatible compétence compétition compléter complet complexe complice comporter composer comprendre
    compris compromettre compte conclure conclu concept concerner concert concevoir conçu concours concret concurrence
    condamner condition conduire conduit conférence confiance confier confirmer conflit conforme confondre congé connaissance
    connu conquérir conquête conscience conseil conseiller consentir conserver considérer consister console consommer
    constater constituer construire construit construction consulter contact contenir contenu content contester contexte
    contextuel continent continuer contraindre contraire contrainte contredire contrôle convaincre convenir convention
    conversation convertir convoquer copain copie cordialement corps correct corriger côté coucher couleur couloir coup
    couper couple cour courage courant courbe courir couronne courriel courrier cours course court coûter couverture couvrir
    craindre crainte création créer crédit crime crise critère critique croire croître cru cuire cuisine culture curieux
    cycle danger dangereux danse dater débat débattre déborder début décevoir décharge déchet décider décision déclarer
    déclencher décoder décomposer déconseiller découper découvrir décrire décrit dedans défaut défendre défense déficit
    définitif dégât degré dehors déjeuner délivrer demain demander démarche démarrer déménager démission démocratie
    démonstration démontrer départ dépasser dépendre dépenser déplacer déposer dépôt dérouler désaccord descendre désert
    désirer désormais dessin dessiner destin détail déterminer détester détruire détruit dette deuxième développer devenir
    deviner dialogue différence différent différer difficile difficulté diffuser digue dimension diminuer dîner diplôme
    direct directeur direction diriger disciple discipline discours discret discuter disparaître disponible disposer
    disposition dispute dispenser distance distinguer distribuer divers diviser docteur document domaine domicile dommage
    dormir dossier double doubler doute doux drapeau droit droite dur durable eau échange échapper échec échelle échouer
    éclairer école écologie économie économique écouter écran écrire écrit écrivain éditer édition éducation effacer
    effectuer efficace effort égal égalité église élaborer électrique électronique élément élève élevé élever éligible élire
    éloigner élu email embaucher émettre émission émotion empêcher emploi employer emporter emprunter encadrer enceinte
    encourager endormir énergie énerver enfance enfant enfermer enfin engager enlever ennemi ennui énoncé énorme enquête
    enregistrer enseigner enseignant ensemble entier entourer entraîner entrée entreposer entreprendre entreprise entretien
    envahir envelopper environ environnement envoi envoyer épais épargner épée épisode épouse épouser épreuve éprouver
    équation équilibre équipe équipement équivalent erreur escalier espace espagnol espèce espérer espion espoir esprit
    essai essayer essence essentiel estimer étage étape état été éteindre étendre étoile étonner étranger étroit étude
    étudiant étudier européen évaluer évaluation événement éventuel évident éviter évoluer évoquer exact examen examiner
    excellent exception excès exclure exclusion excuse excuser exécuter exemplaire exercer exercice exiger exil expédier
    expérience expert expiration expirer exploiter explorer exploser exporter exposer exprimer extérieur externe extraire
    extrait extrême fable fabriquer fac face fâcher facile faciliter façade facteur facture faculté faible faillir faim
    famille fantôme fatigue faute fauteuil faux faveur favorable favoriser féliciter féminin femme fenêtre fermer fermeture
    féroce festival fête feu feuille fiable fiche fichier fidèle fier fièvre figure figurer fil fille film fils financer
    financier fixe fixer flamme fleur flux foi foire fois fonction fondamental fonder fondre fontaine force forêt forfait
    formation forme former formel formulaire formule fort fortune fou foule fournir fourniture foyer fragile frais français
    franchir frapper fraude frein fréquence fréquent frère froid front frontière fruit fuir fuite fumer fureur fusil futur
    gagner galerie garantie garantir garçon garder gare gaspiller gauche gaz géant gêner général générer génération géniteur
    genre gens gérer geste gestion glace glisser gourmand goût gouverner gouvernement grâce grade grammaire grandir gras
    gratuit grave grec grève grief griffe grille gros groupe guérir guerre guide guichet habiter habitude haine handicap
    harceler hasard hausse haut hébergement herbe hériter héros hésiter heureux hexagone hier histoire hiver homme honneur
    honte hôpital horaire horloge horreur hôtel huile humain humeur humide humour hygiène hypothèse idéal idée identifier
    identité ignorer île illégal illisible illustrer image imaginer imiter immédiat immense immeuble impact impair impliquer
    importer imposer impossible impôt impression imprimer incident inclure inclus inconnu incorporer indépendant indice
    indiquer indispensable individu industrie inférieur infirmer influence informer information informatique ingénieur
    initial injuste innocent inquiet inquiéter inscrire inscrit inscription insister inspirer installer instant institut
    institution instruction instrument insulte intégral intégrer intelligent intention interdire interdit intéresser
    intérieur intermédiaire international internaute internet interne interpréter interroger interrompre interruption
    intervenir introduire introduit inutile inventer inverse investir inviter isoler issue italien itinéraire ivre jaloux
    jambe jardin jaune jeter jeu jeudi jeune jeunesse joie joindre joint joli jouer jouir joueur journal journée joyeux
    juge juger jugement jumeau jupe jurer juridique jury juste justice justificatif justifier kilomètre laboratoire lac lâcher
    laisser lait lampe lancer langage langue large larme laver leçon lecteur lecture légal léger législation lendemain lent
    lettre lever lèvre liaison libérer liberté libre licence lien lier ligne limite limiter liquide lire liste lit litre
    littéraire livre livrer local logement logiciel logique loi loin loisir long louer loup lourd loyer lumière lundi lune
    lutte lutter luxe lycée machine magasin magicien magique magistrat mai maigre main maintenir maison maître maîtrise
    majeur majorité mal malade maladie malheur maman manger manière manifester manuel marbre marchand marche marché marcher
    mardi mari mariage marin marine marque marquer marron mars masculin masque master matériel matériau maternel
    mathématique matière matin maturité mauvais mécanique mécanisme méchant médecin médecine médias médical médicament
    meilleur mélanger membre mémoire menace menacer ménage mener mensonge mensuel mental mentionner mentir mention mercredi
    mère mérite message mesure mesurer métal méthode métier mètre métro mettre meuble meurtre midi miel militaire mille
    million mince mineur ministère ministre minuit minute miracle miroir misère mission mobile mobilité mode modèle moderne
    modifier module moitié monde mondial monnaie montagne monter montre montrer monument moral morale morceau mort mortel
    mot moteur motif motiver mouchoir mourir mouvement moyen moyenne multiple multiplier municipal mur mûr muscle musée
    musique mutuelle mystère mythe naissance naître nager nation national nature naturel navire nécessaire négatif négliger
    négocier neige nerf net nettoyer neuf neveu nez niveau noble nocturne nœud noir nombreux nommer nord normal normalement
    norme note noter notice notion nourrir nourriture nouveau nouvelle nu nuage nuance nuire nuit nul numérique numéro
    obéir objectif objet obligation obligatoire obliger obscur observer obstacle occasion occuper océan odeur œil œuvre offert
    office officiel offre offrir oiseau ombre omettre oncle onde opérer opération opinion opposer option or orage oral orange
    ordinaire ordinateur ordonner ordre oreille organe organisation organiser organisme orientation orienter original orner
    os oser ôter oublier ouest outil ouvert ouverture ouvrage ouvrier ouvrir page paiement pain paire paix palais panne
    panneau pantalon papier paquet paradis paragraphe paraître parallèle parcourir parcours pardon pareil parent paresse
    parfait parfum pari parking parlement parole partager partenaire parti participer particulier partie partiel partir
    passage passager passé passeport passer passion passionner patient patrie patron pause pauvre paye payer paysage paysan
    peau pêche peindre peine peinture pencher pendre pénible penseur pension perception percevoir perdre perdu père
    perfection périmètre permanent permettre permis persister perspective perte peser petit peuple peur phase phénomène
    philosophie photo phrase physique piano pièce pied pierre piéger pilote pire piscine piste place placer plage plaindre
    plainte plaire plaisir plan plancher planète plante planter plat plein pleurer pleuvoir plier pluie plume pluriel poche
    poème poésie poète poids point pointe poison poisson poitrine poli police politique pollution pomme pont populaire
    population port porte porter portrait poser position positif posséder poste postuler potentiel pouce poumon pourcentage
    poursuite poursuivre pousser pratique pratiquer précaire précéder précieux précision préférer préfet préfixe prémisse
    prénom préparer présence présent présenter président presse pression prêt prêter prétendre prêtre preuve prévenir
    prévision prier prière prime prince prioriser priorité prise prison prisonnier privé priver prix probable problème
    procédure procéder procès processus prochain proclamer procurer produire produit professeur profession professionnel
    profil profit profiter profond programme progrès progresser projet prolonger promener promesse promettre promis
    prononcer propagande proportion proposer propos propre propriétaire propriété protéger prouver provenir province
    provisoire provoquer prudent psychologie public publicité publier puissance puissant punir pur qualité quart quartier
    quelconque question queue quiconque quitter quotidien raconter radio raisonnable rails ramener rang ranger rapide rappel
    rappeler rapport rapporter rapprocher rare rater rattraper rattrapage réagir réaliser réalité récent réception recevoir
    réchauffer recherche réciproque réclamer récolte recommander récompense reconnaître reconnu reconstruire recours
    recouvrir recruter rectifier reçu recueillir reculer récupérer rédiger redoubler redoublant réduction réduire réduit réel
    refaire référence réfléchir réforme refus refuser regard regarder régime région régir registre règle règlement régler
    regretter regrouper régulier rejeter rejoindre réjouir relatif relation relire relever religieux religion remarquer
    rembourser remède remercier remettre remise remonter remplacer remplir remporter rémunérer rencontre rencontrer rendre
    rendu renoncer renouveler renseigner rentrée rentrer renverser renvoyer répandre réparer repas repentir repérer répertoire
    répéter réponse répondre reporter repos reposer reprendre représenter reprise reprocher république réputation requérir
    réserver résider résidence résigner résister résolution résoudre résolu respecter respirer responsable ressembler
    ressentir ressource restaurant reste rester résultat rétablir retard retenir retirer retour retourner retrait retraite
    retrouver réunion réunir réussir réussite rêve réveiller révéler revenir revenu rêver révision revoir révolte révolution
    revue riche richesse ridicule rien rigueur rire risque rive rivière robe roche roi roman rompre rond rose roue rouge
    rouler route royal rude rue ruine rupture rural russe rythme sable sac sacré sacrifier sage saint saisir saison salaire
    salarié sale salle salon saluer samedi sanction sang santé satisfaire sauter sauvage sauver savant saveur scène science
    scolaire scolarité sculpture séance sec second seconde secours secret secrétaire secrétariat secteur section sécurité
    sécher séduire seigneur sein séjour sélectionner semaine semblable sembler semestre sensation sensible sentiment sentir
    séparer série sérieux serment serrer service serviette seuil seul sévère sexe siècle siège signal signaler signature
    signe signer signifier silence simple simplifier simultané sincère singulier site situation situer social société sœur
    soigner soin soir soirée soldat soleil solidaire solide solitaire sommeil sommet son sonner sort sortie sortir souci
    souffrir souhaiter soumettre source sourire soutenir souvenir spécial spécialité spectacle spectateur sport stade stage
    station statistique statue statut structure stupide style subir succéder succès sucre sud suffire suffisant suggérer
    suite suivant suivre sujet supérieur superficie supermarché supplément supporter supposer supprimer suprême sûr surface
    surgir surprendre surpris sursis surveiller survenir survivre suspect suspendre symbole sympathie système table tableau
    tabou tâche talent tapis tard tarder tarif taxe technique technologie téléphone télévision témoin témoigner tempérament
    température tempête temple temporaire tendance tendre tenir tennis tension tenter terme terrain terre terrible terroir
    territoire test testament tête texte théâtre thème théorie thèse tiers timbre tirer tissu titre toit tomber ton torrent
    tort toucher tour tourner tousser tracer tradition traduire traduit trafic tragédie trahir train trait traité traiter
    trajet tranquille transférer transformer transmettre transmis transport travail travailler traverser tribunal tricher
    triste triomphe trouble troubler troupe troupeau tuer tunnel tuteur tutorat unique unir unité univers universitaire
    université urbain urgence urgent usage usine utile vacances vague vaincre vainqueur valable valider valoir vapeur varier
    variable vaste veille veiller vélo vendeur vendre vendredi vengeance venir vent vente ventre verbe vérifier véritable
    vérité verre vers versant verser vert vertu veste vêtement victime victoire vide vider vidéo vie vieillir vieux vif
    vigne vigueur village vin violence violent virage virtuel visage viser visite visiter vitesse vivant vivre vœu voie
    voile voir voisin voiture voix vol volant voler volontaire volonté voter voyage voyager vrai vue zéro zone
    apparition bactérie chocolat détendre distendre étendre grammaire licorne ordinateur paradoxe recette salsa tapisser
"""
